package s3_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/sync/s3"
	"spotter/timeline"
)

// fault is an error answer; region names where the bucket is, as S3 does.
type fault struct {
	status       int
	code, region string
}

var (
	broken    = fault{500, "InternalError", ""}
	slow      = fault{503, "SlowDown", ""}
	missing   = fault{404, "NoSuchBucket", ""}
	denied    = fault{403, "AccessDenied", ""}
	elsewhere = fault{301, "PermanentRedirect", "eu-west-1"}
	malformed = fault{400, "AuthorizationHeaderMalformed", "eu-west-1"}
	skewed    = fault{403, "RequestTimeTooSkewed", ""}
	tooLong   = fault{400, "KeyTooLongError", ""}
)

// object is what one PutObject brought.
type object struct {
	Path, Type, Sum, Media, Position, Body string
}

// fake answers S3's protocol: the next of a method's faults, else yes.
type fake struct {
	mu     sync.Mutex
	faults map[string][]fault // by method
	calls  int
	put    []object
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if list := f.faults[r.Method]; len(list) > 0 {
		f.faults[r.Method] = list[1:]
		if list[0].region != "" {
			w.Header().Set("X-Amz-Bucket-Region", list[0].region)
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(list[0].status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>refused</Message></Error>", list[0].code)
		return
	}
	if r.Method == http.MethodPut {
		h := r.Header
		f.put = append(f.put, object{
			r.URL.Path, h.Get("Content-Type"), h.Get("X-Amz-Checksum-Crc32c"), h.Get("X-Amz-Meta-Media"), h.Get("X-Amz-Meta-Position"), string(body),
		})
	}
}

func bucket(t *testing.T, f *fake) *s3.Bucket {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return &s3.Bucket{Client: client(server.URL), Name: "pictures", Prefix: "frames/", Region: "us-east-1"}
}

func client(endpoint string) *sdk.Client {
	return s3.NewClient(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})
}

func TestKey(t *testing.T) {
	for name, c := range map[string]struct {
		prefix string
		at     timeline.Position
		want   string
	}{
		"usual":         {"frames/", 41_275, "frames/cup/000000041275.jpg"},
		"zero":          {"", 0, "cup/000000000000.jpg"},
		"before zero":   {"frames/", -5, "frames/cup/-000000000005.jpg"},
		"twelve digits": {"a", 999_999_999_999, "acup/999999999999.jpg"},
		"more":          {"", timeline.MaxPosition, "cup/31536000000000.jpg"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &s3.Bucket{Prefix: c.prefix}
			if got := b.Key("cup", c.at); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// sum is a CRC-32C as S3 writes it.
func sum(body string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))))
}

func TestPut(t *testing.T) {
	f := new(fake)
	if err := bucket(t, f).Put(t.Context(), "cup-final", 41_275, []byte("jpeg")); err != nil {
		t.Fatal(err)
	}
	want := []object{{"/pictures/frames/cup-final/000000041275.jpg", "image/jpeg", sum("jpeg"), "cup-final", "41.275", "jpeg"}}
	if d := cmp.Diff(want, f.put); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
}

func TestFaults(t *testing.T) {
	cases := []struct {
		name   string
		faults []fault
		calls  int
		kind   awsfault.Kind
		says   string // "" for success
	}{
		{"passing fault", []fault{broken}, 2, 0, ""},
		{"lasting fault", []fault{broken, broken, broken}, 2, awsfault.Away, "status 500"},
		{"throttled", []fault{slow}, 1, awsfault.Throttled, "S3 answered SlowDown, status 503"},
		{"no bucket", []fault{missing}, 1, awsfault.Denied, "create bucket pictures"},
		{"no right", []fault{denied}, 1, awsfault.Denied, "allow s3:PutObject on pictures/frames/* to these credentials"},
		{"other region", []fault{elsewhere}, 1, awsfault.Denied, "bucket pictures is in region eu-west-1, but is looked for in us-east-1"},
		{"signed for another region", []fault{malformed}, 1, awsfault.Denied, "AWS_REGION to eu-west-1"},
		{"some other region", []fault{{301, "PermanentRedirect", ""}}, 1, awsfault.Denied, "in another region than us-east-1"},
		{"refused", []fault{tooLong}, 1, awsfault.Refused, "KeyTooLongError"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{faults: map[string][]fault{http.MethodPut: c.faults}}
			err := bucket(t, f).Put(t.Context(), "cup-final", 0, []byte("jpeg"))
			if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || awsfault.KindOf(err) != c.kind) {
				t.Errorf("error %v of kind %v, want %q of kind %v", err, awsfault.KindOf(err), c.says, c.kind)
			}
			if f.calls != c.calls {
				t.Errorf("%d calls, want %d", f.calls, c.calls)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	ok := [2]string{"pictures in region us-east-1", "wrote s3://pictures/frames/spotter-check"}
	cases := []struct {
		name      string
		head, put []fault
		details   [2]string
		says      []string // of the findings; "" for none
	}{
		{"well", nil, nil, ok, []string{"", ""}},
		{"missing", []fault{missing}, nil, [2]string{}, []string{"create bucket pictures"}},
		{"other region", []fault{elsewhere}, nil, [2]string{}, []string{"is in region eu-west-1"}},
		{"other region, as a HEAD tells it", []fault{malformed}, nil, [2]string{}, []string{"is in region eu-west-1"}},
		{"not to be looked at", []fault{denied}, nil, [2]string{"pictures takes pictures; only to be looked at it would need s3:ListBucket", ok[1]}, []string{"", ""}},
		{"not to be written", nil, []fault{denied}, [2]string{ok[0]}, []string{"", "allow s3:PutObject on pictures/frames/*"}},
		{"neither", []fault{denied}, []fault{denied}, [2]string{}, []string{"allow s3:ListBucket on pictures", "allow s3:PutObject"}},
		{"clock", nil, []fault{skewed}, [2]string{ok[0]}, []string{"", "this machine's clock"}},
		{"away", []fault{broken, broken}, []fault{broken, broken}, [2]string{}, []string{"look at bucket pictures", "put s3://pictures/frames/spotter-check"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found := bucket(t, &fake{faults: map[string][]fault{http.MethodHead: c.head, http.MethodPut: c.put}}).Check(t.Context())
			if len(found) != len(c.says) {
				t.Fatalf("found %+v", found)
			}
			for i, f := range found {
				if f.Detail != c.details[i] || (f.Err == nil) != (c.says[i] == "") || f.Err != nil && !strings.Contains(f.Err.Error(), c.says[i]) {
					t.Errorf("%s: %q, %v; want %q, %q", f.What, f.Detail, f.Err, c.details[i], c.says[i])
				}
			}
		})
	}
}

func TestPathStyle(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"":                      false,
		"http://127.0.0.1:9000": true,
		"https://minio.example": true,
		"https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com":   false,
		"https://s3.cn-north-1.amazonaws.com.cn":                  false,
		"https://amazonaws.com.example":                           true,
		"https://s3.dualstack.us-east-1.amazonaws.com":            false,
		"https://s3express-control.dualstack.us-east-1.api.aws:8": false,
	} {
		t.Run(endpoint, func(t *testing.T) {
			c := aws.Config{Region: "us-east-1"}
			if endpoint != "" {
				c.BaseEndpoint = &endpoint
			}
			if got := s3.NewClient(c).Options().UsePathStyle; got != want {
				t.Errorf("path style %v, want %v", got, want)
			}
		})
	}
}
