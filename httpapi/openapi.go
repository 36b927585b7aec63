package httpapi

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"
	"go.yaml.in/yaml/v3"
)

// cacheHour is for what changes with the program alone; the tag says when it has.
const cacheHour = "public, max-age=3600"

//go:embed openapi/*.yaml
var openapiFiles embed.FS

//go:embed web/client/*.js web/client/index.d.ts
var clientFiles embed.FS

// openapiRoutes registers GET /openapi.json, the description of both APIs, and the JavaScript client.
func (v *viewer) openapiRoutes(s *Server) {
	document := sync.OnceValues(openapiDocument)
	s.get("/openapi.json", func(ctx *fasthttp.RequestCtx) error {
		body, err := document()
		if err != nil {
			return err
		}
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheHour)
		sendTagged(ctx, contentTypeJSON, body)
		return nil
	})
	s.get("/client/{file}", clientFile)
}

// clientFile answers GET /client/{file}: the modules of the JavaScript client, which pages of any origin may import.
func clientFile(ctx *fasthttp.RequestCtx) error {
	name, _ := ctx.UserValue("file").(string)
	body, err := clientFiles.ReadFile("web/client/" + name)
	if err != nil {
		return newProblem(fasthttp.StatusNotFound, "there is nothing at this address")
	}
	contentType := "text/javascript; charset=utf-8"
	if strings.HasSuffix(name, ".d.ts") {
		contentType = "text/plain; charset=utf-8"
	}
	ctx.Response.Header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheHour)
	sendTagged(ctx, contentType, body)
	return nil
}

// openapiDocument returns the OpenAPI 3.1 document as JSON. Its parts are YAML files, whose mappings are merged; members of the top
// level that are named x-... hold what a file repeats, and are left out.
func openapiDocument() ([]byte, error) {
	names, err := fs.Glob(openapiFiles, "openapi/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	whole := make(map[string]any)
	for _, name := range names {
		text, err := openapiFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("describe the API: %w", err)
		}
		var part map[string]any
		if err := yaml.Unmarshal(text, &part); err != nil {
			return nil, fmt.Errorf("describe the API: %s: %w", name, err)
		}
		for key := range part {
			if strings.HasPrefix(key, "x-") {
				delete(part, key)
			}
		}
		mergeMaps(whole, part)
	}
	return marshal(whole)
}

// mergeMaps adds the members of from to those of to, mappings member by member.
func mergeMaps(to, from map[string]any) {
	for key, value := range from {
		inner, isMap := value.(map[string]any)
		if into, both := to[key].(map[string]any); isMap && both {
			mergeMaps(into, inner)
			continue
		}
		to[key] = value
	}
}
