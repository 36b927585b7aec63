// Package fakeaws owns what stands in for Amazon's services in tests: an http.Handler for httptest.Server that speaks
// Rekognition's AWS JSON 1.1 protocol, answers from a script and misbehaves on demand.
package fakeaws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rekognition operations, as the last part of X-Amz-Target names them.
const (
	RecognizeCelebrities = "RecognizeCelebrities"
	DetectLabels         = "DetectLabels"
)

const (
	targetPrefix = "RekognitionService."
	contentType  = "application/x-amz-json-1.1"
	maxBody      = 8 << 20 // a 5 MB picture in base64, and its envelope
	maxImage     = 5 << 20 // Rekognition's limit for image bytes
	maxObject    = 15 << 20
	minSide      = 80 // and for the sides of the picture, in pixels
)

// Call is one request as the fake saw it.
type Call struct {
	Operation string
	// MaxLabels and MinConfidence are DetectLabels' parameters, 0 where absent.
	MaxLabels     int
	MinConfidence float64
	// Image is the picture, whichever way it came.
	Image []byte
	// Bucket and Key name the S3 object that Image was read from, "" where it was sent.
	Bucket, Key string
}

// Rekognition plays Amazon Rekognition's image calls. It may be used by several goroutines at once.
type Rekognition struct {
	// See says what is in a picture, given its JPEG bytes; nil sees DefaultScene in every picture. It is to be set
	// before the first request and may be called from several goroutines.
	See func(jpeg []byte) Scene
	// Fetch returns the bytes of an S3 object; nil can read none. It is to be set before the first request and may be
	// called from several goroutines.
	Fetch func(ctx context.Context, bucket, key string) ([]byte, error)

	mu     sync.Mutex
	faults map[string]Fault
	calls  []Call
	billed int
	recent map[string][]time.Time // answered within the last second, for Fault.PerSecond
}

// SetFault makes every later call of the operation misbehave; the zero Fault ends that. An operation of "" means all.
func (f *Rekognition) SetFault(operation string, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults == nil {
		f.faults = make(map[string]Fault)
	}
	if operation == "" {
		f.faults[RecognizeCelebrities], f.faults[DetectLabels] = fault, fault
		return
	}
	f.faults[operation] = fault
}

// Calls returns the well-formed requests so far, those that met a fault included. Their Images must not be changed.
func (f *Rekognition) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

// Count returns the number of Calls of an operation.
func (f *Rekognition) Count(operation string) int {
	n := 0
	for _, c := range f.Calls() {
		if c.Operation == operation {
			n++
		}
	}
	return n
}

// Billed returns the number of calls that Amazon would put on the bill: those that it answered with status 200, whether
// or not the answer arrived.
func (f *Rekognition) Billed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.billed
}

// ServeHTTP answers one call of the API.
func (f *Rekognition) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, fault := read(r)
	if fault.Status != 0 {
		fail(w, fault)
		return
	}
	missing := f.fetch(r.Context(), &call)
	f.mu.Lock()
	f.calls = append(f.calls, call)
	fault = f.pace(call.Operation, f.faults[call.Operation])
	f.mu.Unlock()

	if !fault.wait(r.Context()) || fault.Reset {
		panic(http.ErrAbortHandler)
	}
	refusal := fault
	if refusal.Status == 0 {
		refusal = missing
	}
	if refusal.Status == 0 {
		refusal = check(call)
	}
	if refusal.Status != 0 {
		fail(w, refusal)
		return
	}
	scene := DefaultScene()
	if f.See != nil {
		scene = f.See(call.Image)
	}
	f.mu.Lock()
	f.billed++
	f.mu.Unlock()
	if fault.Truncated {
		truncate(w, answer(call, scene))
	}
	write(w, http.StatusOK, answer(call, scene))
}

// pace makes a throttling of a fault that is one for more calls a second than it allows. The caller holds mu.
func (f *Rekognition) pace(operation string, fault Fault) Fault {
	if fault.PerSecond == 0 {
		return fault
	}
	now := time.Now()
	recent := slices.DeleteFunc(f.recent[operation], func(at time.Time) bool { return now.Sub(at) >= time.Second })
	if len(recent) >= fault.PerSecond {
		fault.Status, fault.Code, fault.Message = Throttled.Status, Throttled.Code, Throttled.Message
	} else {
		recent = append(recent, now)
	}
	if f.recent == nil {
		f.recent = make(map[string][]time.Time)
	}
	f.recent[operation] = recent
	return fault
}

// read parses a request and refuses what the service refuses.
func read(r *http.Request) (Call, Fault) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if r.Method != http.MethodPost || !ok || (operation != RecognizeCelebrities && operation != DetectLabels) {
		return Call{}, Fault{Status: 400, Code: "UnknownOperationException", Message: r.Header.Get("X-Amz-Target")}
	}
	if got := r.Header.Get("Content-Type"); got != contentType {
		return Call{}, Fault{Status: 400, Code: "SerializationException", Message: "content type " + got}
	}
	if !signed(r) {
		return Call{}, Fault{Status: 403, Code: "MissingAuthenticationTokenException", Message: "no Signature Version 4"}
	}
	var in struct {
		Image struct {
			Bytes    []byte
			S3Object struct{ Bucket, Name string }
		}
		MaxLabels     int
		MinConfidence float64
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&in); err != nil {
		return Call{}, Fault{Status: 400, Code: "SerializationException", Message: err.Error()}
	}
	object := in.Image.S3Object
	if in.Image.Bytes != nil && object.Name != "" {
		return Call{}, Fault{Status: 400, Code: "InvalidParameterException", Message: "image has both bytes and an S3 object"}
	}
	return Call{
		Operation: operation, MaxLabels: in.MaxLabels, MinConfidence: in.MinConfidence,
		Image: in.Image.Bytes, Bucket: object.Bucket, Key: object.Name,
	}, Fault{}
}

// fetch reads the picture of a call from S3 where it is there, and refuses as the service does where it cannot.
func (f *Rekognition) fetch(ctx context.Context, c *Call) Fault {
	if c.Key == "" {
		return Fault{}
	}
	err := errors.New("no bucket")
	if f.Fetch != nil {
		c.Image, err = f.Fetch(ctx, c.Bucket, c.Key)
	}
	if err != nil {
		return Fault{
			Status: 400, Code: "InvalidS3ObjectException",
			Message: "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
		}
	}
	return Fault{}
}

// signed reports whether the request carries a Signature Version 4 for Rekognition of every header that must be signed.
func signed(r *http.Request) bool {
	const scheme = "AWS4-HMAC-SHA256 "
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), scheme)
	if !ok || r.Header.Get("X-Amz-Date") == "" {
		return false
	}
	parts := make(map[string]string)
	for p := range strings.SplitSeq(auth, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		parts[k] = v
	}
	scope := strings.Split(parts["Credential"], "/") // key/date/region/service/aws4_request
	headers := strings.Split(parts["SignedHeaders"], ";")
	required := map[string]bool{"host": true, "x-amz-date": true, "x-amz-target": true}
	for _, h := range headers {
		delete(required, h)
	}
	return len(scope) == 5 && scope[3] == "rekognition" && scope[4] == "aws4_request" &&
		len(required) == 0 && len(parts["Signature"]) == 64
}

// check refuses pictures as the service does.
func check(call Call) Fault {
	most := maxImage
	if call.Key != "" {
		most = maxObject
	}
	if len(call.Image) > most {
		return Fault{Status: 400, Code: "ImageTooLargeException", Message: "image size is too large"}
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(call.Image))
	if err != nil {
		return Fault{Status: 400, Code: "InvalidImageFormatException", Message: "request has invalid image format"}
	}
	if c.Width < minSide || c.Height < minSide {
		return Fault{Status: 400, Code: "InvalidParameterException", Message: "image dimensions below 80 pixels"}
	}
	return Fault{}
}

func fail(w http.ResponseWriter, f Fault) {
	write(w, f.Status, map[string]string{"__type": f.Code, "message": f.Message})
}

// truncate sends half of an answer and drops the connection.
func truncate(w http.ResponseWriter, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("marshal scripted answer: %v", err))
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b[:len(b)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func write(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("marshal scripted answer: %v", err))
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the caller may have gone: its own affair
}
