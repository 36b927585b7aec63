package httpapi_test

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"spotter/internal/mediatest"
)

// description is /openapi.json, as the tests hold answers against it.
type description struct {
	document map[string]any
	compiled map[string]*jsonschema.Schema // by how they print
}

// describe gets the description, and closes its schemas: what is not described is a fault here, though clients are to ignore it.
func describe(t *testing.T) *description {
	t.Helper()
	_, body := send(t, client(t, newViewer(cup())), http.MethodGet, "/openapi.json")
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	d := &description{document.(map[string]any), make(map[string]*jsonschema.Schema)}
	closeSchemas(d.document["components"].(map[string]any)["schemas"])
	return d
}

// closeSchemas adds unevaluatedProperties: false to each schema of an object.
func closeSchemas(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			closeSchemas(inner)
		}
		if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
			v["unevaluatedProperties"] = false
		}
	case []any:
		for _, inner := range v {
			closeSchemas(inner)
		}
	}
}

// operation returns what a method of a path does, and the path's pointer.
func (d *description) operation(path, method string) (map[string]any, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	item, _ := d.document["paths"].(map[string]any)[path].(map[string]any)
	op, ok := item[strings.ToLower(method)].(map[string]any)
	return op, ok
}

// resolve follows a $ref within the document.
func (d *description) resolve(v any) map[string]any {
	m, _ := v.(map[string]any)
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	var at any = d.document
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[part]
	}
	return d.resolve(at)
}

// response returns what is described for a status, with where its media type stands.
func (d *description) response(op map[string]any, status int) map[string]any {
	responses := op["responses"].(map[string]any)
	r, ok := responses[fmt.Sprint(status)]
	if !ok {
		r = responses["default"]
	}
	return d.resolve(r)
}

// mediaType returns what is described of the media type of an answer; a parameter may be left out in the description.
func mediaType(response map[string]any, contentType string) (map[string]any, bool) {
	content, _ := response["content"].(map[string]any)
	m, ok := content[contentType].(map[string]any)
	if !ok {
		plain, _, _ := mime.ParseMediaType(contentType)
		m, ok = content[plain].(map[string]any)
	}
	return m, ok
}

// validate holds a value against a schema of the document.
func (d *description) validate(t *testing.T, schema, value any) {
	t.Helper()
	if err := d.compile(t, schema).Validate(value); err != nil {
		t.Errorf("%v\nis not as described: %v", value, err)
	}
}

func (d *description) compile(t *testing.T, schema any) *jsonschema.Schema {
	t.Helper()
	name := fmt.Sprint(schema)
	if compiled, ok := d.compiled[name]; ok {
		return compiled
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	whole := map[string]any{"components": d.document["components"], "schema": schema}
	if err := c.AddResource("spotter:answer", whole); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("spotter:answer#/schema")
	if err != nil {
		t.Fatal(err)
	}
	d.compiled[name] = compiled
	return compiled
}

// always are headers that need no description: those of every answer, of CORS, and of messages as such.
var always = map[string]bool{
	"Server": true, "Date": true, "Content-Type": true, "Content-Length": true, "Content-Encoding": true, "Transfer-Encoding": true,
	"Vary": true, "Connection": true, "Allow": true, "Access-Control-Allow-Origin": true, "Access-Control-Expose-Headers": true,
}

// check holds an answer against the description of its path.
func (d *description) check(t *testing.T, path string, resp *http.Response, body string) {
	t.Helper()
	op, ok := d.operation(path, resp.Request.Method)
	if !ok {
		t.Fatalf("%s %s is not described", resp.Request.Method, path)
	}
	described := d.response(op, resp.StatusCode)
	if described == nil {
		t.Fatalf("status %d of %s is not described", resp.StatusCode, path)
	}
	d.checkHeaders(t, described, resp.Header)
	contentType := resp.Header.Get("Content-Type")
	if body == "" {
		return
	}
	m, ok := mediaType(described, contentType)
	if !ok {
		t.Fatalf("status %d of %s: type %q is not described", resp.StatusCode, path, contentType)
	}
	var value any = body
	if strings.HasSuffix(contentType, "json") && !strings.HasSuffix(contentType, "ndjson") {
		var err error
		if value, err = jsonschema.UnmarshalJSON(strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	d.validate(t, m["schema"], value)
}

func (d *description) checkHeaders(t *testing.T, described map[string]any, got http.Header) {
	t.Helper()
	headers, _ := described["headers"].(map[string]any)
	for name, h := range headers {
		h := d.resolve(h)
		text := got.Get(name)
		if text == "" {
			if h["required"] == true {
				t.Errorf("the header %s is not sent", name)
			}
			continue
		}
		var value any = text
		if schema := d.resolve(h["schema"]); schema["type"] == "integer" {
			value = json.Number(text)
		}
		d.validate(t, h["schema"], value)
	}
	for name := range got {
		if _, ok := headers[name]; !ok && !always[http.CanonicalHeaderKey(name)] && !hasFold(headers, name) {
			t.Errorf("the header %s is not described", name)
		}
	}
}

func hasFold(headers map[string]any, name string) bool {
	for described := range headers {
		if strings.EqualFold(described, name) {
			return true
		}
	}
	return false
}

// exampleAddress returns the address that the examples of an operation's parameters make.
func (d *description) exampleAddress(path string, op map[string]any) string {
	query := make(url.Values)
	parameters, _ := op["parameters"].([]any)
	for _, p := range parameters {
		p := d.resolve(p)
		example, ok := p["example"]
		if !ok {
			continue
		}
		text := fmt.Sprint(example)
		if list, ok := example.([]any); ok {
			var parts []string
			for _, one := range list {
				parts = append(parts, fmt.Sprint(one))
			}
			text = strings.Join(parts, ",")
		}
		switch p["in"] {
		case "path":
			path = strings.ReplaceAll(path, "{"+p["name"].(string)+"}", text)
		case "query":
			query.Set(p["name"].(string), text)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// twoMedia is the cup without its hostile name.
func twoMedia() *mediatest.Box { return mediatest.NewBox(mediatest.Cup()[1:]...) }

// sameNumbers compares numbers of JSON by what they are, so that 120.0 is 120.
var sameNumbers = cmp.Comparer(func(a, b json.Number) bool {
	x, errX := a.Float64()
	y, errY := b.Float64()
	return errX == nil && errY == nil && x == y
})
