package httpapi

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"github.com/valyala/fasthttp"
)

// pageFiles has what `make web` makes of web/app. Where that was not done, only a placeholder is there.
//
//go:embed all:web/dist
var pageFiles embed.FS

// pagePolicy lets the page load what this listener serves and nothing else: no inline script or style, no other origin (CSP level 3).
// A browser names by blob: what a script gives to a video.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// noPage is what a program tells that was built without the page.
const noPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spotter</title>
</head>
<body>
<h1>Spotter</h1>
<p>The box works, but this program was built without its page. To have it: <code>make web</code> and build again,
or <code>make build</code>, which does both.</p>
<p>What the box answers is told by <a href="./openapi.json">its description</a>.</p>
</body>
</html>
`

const (
	pageIndex    = "index.html"
	pageAssets   = "assets/"
	pageLicences = "licences.md" // of the libraries that are in the page
)

// pageTypes are the media types of what the page consists of.
var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".md":   "text/plain; charset=utf-8", // which a browser shows
}

// pageFile is one file of the page, in each content coding that it is sent in.
type pageFile struct {
	contentType string
	plain       []byte
	brotli      []byte // empty: it is not worth it
	gzip        func() []byte
}

// pageRoutes registers GET / and all that the page loads. It has no secrets and is for everybody, those without a key too:
// the page itself asks for one.
func (s *Server) pageRoutes() { s.servePage(builtPage()) }

// servePage registers the routes of a page.
func (s *Server) servePage(files pageSet) {
	if files[pageIndex] == nil {
		files[pageIndex] = newPageFile(pageIndex, []byte(noPage), nil)
	}
	s.get("/", func(ctx *fasthttp.RequestCtx) error { return files.send(ctx, pageIndex, "no-cache") })
	s.get("/"+pageLicences, func(ctx *fasthttp.RequestCtx) error { return files.send(ctx, pageLicences, cacheHour) })
	s.get("/"+pageAssets+"{file}", func(ctx *fasthttp.RequestCtx) error {
		name, _ := ctx.UserValue("file").(string)
		return files.send(ctx, pageAssets+name, cacheForever) // their names have a hash of what is in them
	})
}

// builtPage returns the page of this program. It panics where what is embedded cannot be read, which does not happen.
func builtPage() pageSet {
	built, err := fs.Sub(pageFiles, "web/dist")
	if err != nil {
		panic(err)
	}
	files, err := readPage(built)
	if err != nil {
		panic(err)
	}
	return files
}

// pageSet has the files of the page by their names.
type pageSet map[string]*pageFile

// readPage reads what was built: files of known types, and beside each large one the same in brotli, NAME.br. Gzip, which is
// needed where the page comes without TLS, is not kept there: it differs from one processor to another, and a build is to be the same on all.
func readPage(built fs.FS) (pageSet, error) {
	files := make(pageSet)
	err := fs.WalkDir(built, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || pageTypes[path.Ext(name)] == "" {
			return err
		}
		plain, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		brotli, err := fs.ReadFile(built, name+".br")
		if err != nil {
			brotli = nil // it is small
		}
		files[name] = newPageFile(name, plain, brotli)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	return files, nil
}

func newPageFile(name string, plain, brotli []byte) *pageFile {
	return &pageFile{
		contentType: pageTypes[path.Ext(name)],
		plain:       plain,
		brotli:      brotli,
		gzip:        sync.OnceValue(func() []byte { return fasthttp.AppendGzipBytesLevel(nil, plain, fasthttp.CompressBestCompression) }),
	}
}

// send answers with a file in the coding that the client likes best, or with 304 when it has it.
func (p pageSet) send(ctx *fasthttp.RequestCtx, name, cache string) error {
	f := p[name]
	if f == nil {
		return newProblem(fasthttp.StatusNotFound, "there is nothing at this address")
	}
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	h.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
	h.Set(fasthttp.HeaderCacheControl, cache)
	h.Set(fasthttp.HeaderContentSecurityPolicy, pagePolicy) // a browser shows some files by themselves too
	sendTagged(ctx, f.contentType, f.plain)
	if ctx.Response.StatusCode() != fasthttp.StatusOK {
		return nil
	}
	coding, packed := chooseCoding(ctx, len(f.plain)), f.plain
	switch coding {
	case codingBrotli:
		packed = f.brotli
	case codingGzip:
		packed = f.gzip()
	}
	if coding == identity || len(packed) == 0 {
		return nil // compress does what is left to do
	}
	h.SetContentEncoding(coding)
	h.Add(fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding)
	ctx.Response.SetBodyRaw(packed)
	return nil
}
