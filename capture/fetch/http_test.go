package fetch_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/fetch"
)

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.Bytes()
}

// raw answers with bytes as they are, and ends the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		io.WriteString(c, text)
	}
}

func header(pairs ...string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(pairs); i += 2 {
			w.Header().Set(pairs[i], pairs[i+1])
		}
	}
}

func answer(code int, head func(http.ResponseWriter), body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		head(w)
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

var (
	errAny = errors.New("any")
	plain  = header()
	gzips  = header("Content-Encoding", "gzip")
)

// One answer to one request for at most 100 bytes.
func TestAnswers(t *testing.T) {
	const ten = "0123456789"
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		ask    fetch.Request
		want   string
		is     error // errAny: something else
		says   string
	}{
		"whole":                             {answer(200, plain, ten), fetch.Request{}, ten, nil, ""},
		"empty":                             {answer(200, plain, ""), fetch.Request{}, "", nil, ""},
		"chunked":                           {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"), fetch.Request{}, ten, nil, ""},
		"until the end of the connection":   {raw("HTTP/1.0 200 OK\r\n\r\n" + ten), fetch.Request{}, ten, nil, ""},
		"of exactly the limit":              {answer(200, plain, strings.Repeat("z", 100)), fetch.Request{}, strings.Repeat("z", 100), nil, ""},
		"larger than the limit":             {answer(200, plain, strings.Repeat("z", 101)), fetch.Request{}, "", fetch.ErrTooLarge, "101 bytes"},
		"announced larger than the limit":   {raw("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"), fetch.Request{}, "", fetch.ErrTooLarge, "999999999999 bytes"},
		"chunked, larger than the limit":    {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n70\r\n" + strings.Repeat("z", 0x70) + "\r\n0\r\n\r\n"), fetch.Request{}, "", fetch.ErrTooLarge, "over 100 bytes"},
		"truncated":                         {raw("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + ten), fetch.Request{}, "", io.ErrUnexpectedEOF, ""},
		"chunked without an end":            {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n"), fetch.Request{}, "", io.ErrUnexpectedEOF, ""},
		"chunked, cut in a chunk":           {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n01234"), fetch.Request{}, "", io.ErrUnexpectedEOF, ""},
		"chunked badly":                     {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ns3cret\r\n"), fetch.Request{}, "", errAny, "did not carry HTTP"},
		"no answer":                         {raw(""), fetch.Request{}, "", io.ErrUnexpectedEOF, ""},
		"half a header":                     {raw("HTTP/1.1 200 OK\r\nX: y"), fetch.Request{}, "", io.ErrUnexpectedEOF, ""},
		"the request sent back":             {raw("GET /a?token=s3cret HTTP/1.1\r\n\r\n"), fetch.Request{}, "", errAny, "did not carry HTTP"},
		"a bad status line":                 {raw("HTTP/1.1 s3cret\r\n\r\n"), fetch.Request{}, "", errAny, "did not carry HTTP"},
		"a bad header line":                 {raw("HTTP/1.1 200 OK\r\ns3cret\r\n\r\n"), fetch.Request{}, "", errAny, "did not carry HTTP"},
		"two lengths":                       {raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + ten), fetch.Request{}, "", errAny, "did not carry HTTP"},
		"an endless header":                 {raw("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("s3cret", 100_000)), fetch.Request{}, "", errAny, ""},
		"packed":                            {answer(200, gzips, string(packed(ten))), fetch.Request{}, ten, nil, ""},
		"packed by its old name":            {answer(200, header("Content-Encoding", "X-GZIP"), string(packed(ten))), fetch.Request{Revalidate: true}, ten, nil, ""},
		"packed in two parts":               {answer(200, gzips, string(packed("01234"))+string(packed("56789"))), fetch.Request{}, ten, nil, ""},
		"a bomb":                            {answer(200, gzips, string(packed(strings.Repeat("z", 1<<20)))[:90]), fetch.Request{}, "", fetch.ErrTooLarge, "over 100 bytes"},
		"packed, announced larger":          {answer(200, gzips, strings.Repeat("z", 101)), fetch.Request{}, "", fetch.ErrTooLarge, ""},
		"packed and truncated":              {answer(200, gzips, string(packed(ten))[:15]), fetch.Request{}, "", io.ErrUnexpectedEOF, ""},
		"packed with a bad sum":             {answer(200, gzips, string(packed(ten))[:len(packed(ten))-8]+"s3crets3"), fetch.Request{}, "", errAny, "not the gzip"},
		"not packed as said":                {answer(200, gzips, "s3cret s3cret s3cret"), fetch.Request{}, "", errAny, "not the gzip"},
		"said to be packed, empty":          {answer(200, gzips, ""), fetch.Request{}, "", io.ErrUnexpectedEOF, ""},
		"packed otherwise":                  {answer(200, header("Content-Encoding", "br"), ten), fetch.Request{}, "", errAny, `"br"`},
		"identity by name":                  {answer(200, header("Content-Encoding", "identity"), ten), fetch.Request{}, ten, nil, ""},
		"a range":                           {answer(206, header("Content-Range", "bytes 2-4/10"), "234"), fetch.Request{Offset: 2, Length: 3}, "234", nil, ""},
		"a range of an unknown total":       {answer(206, header("Content-Range", "bytes 2-4/*"), "234"), fetch.Request{Offset: 2, Length: 3}, "234", nil, ""},
		"an open range":                     {answer(206, header("Content-Range", "bytes 7-9/10"), "789"), fetch.Request{Offset: 7}, "789", nil, ""},
		"an open range, cut short":          {answer(206, header("Content-Range", "bytes 7-8/10"), "78"), fetch.Request{Offset: 7}, "", io.ErrUnexpectedEOF, ""},
		"a range of another start":          {answer(206, header("Content-Range", "bytes 0-2/10"), "012"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "another range"},
		"a shorter range":                   {answer(206, header("Content-Range", "bytes 2-3/4"), "23"), fetch.Request{Offset: 2, Length: 3}, "", io.ErrUnexpectedEOF, ""},
		"a longer range":                    {answer(206, header("Content-Range", "bytes 2-5/10"), "2345"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "another range"},
		"a range without a name":            {answer(206, plain, "234"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "another range"},
		"a range of another size":           {answer(206, header("Content-Range", "bytes 2-4/10"), "23"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "another range"},
		"a range past its total":            {answer(206, header("Content-Range", "bytes 2-4/3"), "234"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "another range"},
		"a range of other units":            {answer(206, header("Content-Range", "lines 2-4/10"), "234"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "another range"},
		"a range turned round":              {answer(206, header("Content-Range", "bytes 4-2/10"), ""), fetch.Request{Offset: 4, Length: 3}, "", errAny, "another range"},
		"a range past all numbers":          {answer(206, header("Content-Range", "bytes 2-99999999999999999999/*"), "234"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "another range"},
		"a packed range":                    {answer(206, header("Content-Range", "bytes 2-4/10", "Content-Encoding", "gzip"), "234"), fetch.Request{Offset: 2, Length: 3}, "", errAny, "packed"},
		"a range nobody asked for":          {answer(206, header("Content-Range", "bytes 0-9/10"), ten), fetch.Request{}, "", errAny, "nobody asked"},
		"all instead of a range":            {answer(200, plain, ten), fetch.Request{Offset: 2, Length: 3}, "234", nil, ""},
		"all instead of an open range":      {answer(200, plain, ten), fetch.Request{Offset: 7}, "789", nil, ""},
		"all, packed, instead of a range":   {answer(200, gzips, string(packed(ten))), fetch.Request{Offset: 2, Length: 3}, "234", nil, ""},
		"all, too short for a range":        {answer(200, plain, ten), fetch.Request{Offset: 8, Length: 3}, "", io.ErrUnexpectedEOF, ""},
		"all, packed, too short":            {answer(200, gzips, string(packed(ten))), fetch.Request{Offset: 11, Length: 3}, "", io.ErrUnexpectedEOF, ""},
		"all, and the start is far":         {answer(200, plain, ten), fetch.Request{Offset: 1 << 40, Length: 3}, "", fetch.ErrTooLarge, "no ranges"},
		"all, larger than the limit, a cut": {answer(200, plain, strings.Repeat("z", 500)+ten), fetch.Request{Offset: 500, Length: 10}, ten, nil, ""},
		"a range larger than the limit":     {answer(200, plain, ten), fetch.Request{Length: 101}, "", fetch.ErrTooLarge, ""},
		"a range before the start":          {answer(200, plain, ten), fetch.Request{Offset: -1, Length: 5}, "", errAny, "not a range"},
		"a range past all integers":         {answer(200, plain, ten), fetch.Request{Offset: 1<<63 - 2, Length: 5}, "", errAny, "not a range"},
		"a 304 that nobody asked for":       {answer(304, header("ETag", `"s3cret"`), ""), fetch.Request{Revalidate: true}, "", &fetch.StatusError{}, "nobody asked"},
		"nothing":                           {answer(204, plain, ""), fetch.Request{}, "", &fetch.StatusError{}, "204 No Content"},
		"a redirect without a Location":     {answer(302, plain, ""), fetch.Request{}, "", fetch.ErrAddress, "without a Location"},
		"a redirect that is no URL":         {answer(302, header("Location", "http://h:s3cret/%zz?s3cret"), ""), fetch.Request{}, "", fetch.ErrAddress, "not a URL"},
		"a redirect to a file":              {answer(307, header("Location", "file:///etc/passwd?s3cret"), ""), fetch.Request{}, "", fetch.ErrAddress, `"file"`},
		"a redirect to itself":              {answer(308, header("Location", "?token=s3cret"), ""), fetch.Request{}, "", fetch.ErrAddress, "10 redirects"},
		"multiple choices":                  {answer(300, header("Location", "/b"), ""), fetch.Request{}, "", &fetch.StatusError{}, "300"},
		"an unknown status":                 {answer(599, plain, "s3cret"), fetch.Request{}, "", &fetch.StatusError{}, "599"},
		"416":                               {answer(416, header("Content-Range", "bytes */5"), ""), fetch.Request{Offset: 9, Length: 2}, "", &fetch.StatusError{}, "416"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tc.answer)
			tc.ask.URL, tc.ask.Limit = address(t, s.URL+"/a?token="+secret), 100
			r, err := local(t).Get(t.Context(), tc.ask)
			quiet(t, err)
			if tc.is == nil {
				if err != nil || string(r.Body) != tc.want || r.URL.String() != tc.ask.URL.String() || r.NotModified {
					t.Fatalf("%q, %v", r.Body, err)
				}
				return
			}
			status := (*fetch.StatusError)(nil)
			switch _, wantStatus := tc.is.(*fetch.StatusError); {
			case err == nil || r.Body != nil || !strings.Contains(err.Error(), tc.says),
				wantStatus && !errors.As(err, &status),
				!wantStatus && tc.is != errAny && !errors.Is(err, tc.is):
				t.Fatalf("%q, %v, want %v", r.Body, err, tc.is)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for said, want := range map[string][2]time.Duration{
		"":                              {0, 0},
		"0":                             {0, 0},
		"7":                             {7 * time.Second, 7 * time.Second},
		" 7 ":                           {7 * time.Second, 7 * time.Second},
		"99999999":                      {time.Hour, time.Hour},
		"99999999999999999999999":       {time.Hour, time.Hour},
		"-5":                            {0, 0},
		"soon":                          {0, 0},
		"1.5":                           {0, 0},
		"Thu, 01 Jan 1970 00:00:00 GMT": {0, 0},
		"Fri, 31 Dec 9999 23:59:59 GMT": {time.Hour, time.Hour},
		time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat): {9 * time.Minute, 10 * time.Minute},
	} {
		for _, code := range []int{404, 429, 503} {
			s := serve(t, answer(code, header("Retry-After", said), ""))
			_, err := local(t).Get(t.Context(), fetch.Request{URL: address(t, s.URL), Limit: limit})
			var status *fetch.StatusError
			if !errors.As(err, &status) || status.Code != code || status.RetryAfter < want[0] || status.RetryAfter > want[1] || status.Gone() != (code == 404) {
				t.Errorf("%d, %q: %+v, %v", code, said, status, err)
			}
		}
	}
}

func TestRedirects(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n := strings.TrimPrefix(r.URL.Path, "/hops/"); n != "x" {
			http.Redirect(w, r, "/hops/"+n[1:]+"?token=s3cret#part", http.StatusFound)
			return
		}
		fmt.Fprint(w, r.Header.Get("Range")+" of a body")
	})
	h := local(t)
	for hops, good := range map[int]bool{0: true, 1: true, fetch.MaxRedirects: true, fetch.MaxRedirects + 1: false} {
		r, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL+"/hops/"+strings.Repeat("o", hops)+"x"), Limit: limit, Offset: 4, Length: 5})
		quiet(t, err)
		if !good {
			if !errors.Is(err, fetch.ErrAddress) {
				t.Errorf("%d: %v", hops, err)
			}
			continue
		}
		if err != nil || string(r.Body) != "s=4-8" || r.URL.Path != "/hops/x" || r.URL.Fragment != "" || hops > 0 && r.URL.RawQuery != "token=s3cret" {
			t.Errorf("%d: %q from %v, %v", hops, r.Body, r.URL, err)
		}
	}
}

// What is said of packing, by the kind of request.
func TestAcceptEncoding(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Header["Accept-Encoding"], r.UserAgent())
	})
	h, got := local(t), []string{}
	for _, r := range []fetch.Request{{}, {Revalidate: true}, {Length: 20, Revalidate: true}} {
		r.URL, r.Limit = address(t, s.URL), limit
		a, err := h.Get(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(a.Body))
	}
	if diff := cmp.Diff([]string{"[identity] spotter/1", "[gzip] spotter/1", "[identity] spotter/1"}, got); diff != "" {
		t.Error(diff)
	}
}
