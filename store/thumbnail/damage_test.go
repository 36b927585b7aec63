package thumbnail_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"spotter/store/thumbnail"
	"spotter/timeline"
)

// filled is a file of n pictures, closed.
func filled(t *testing.T, n int) string {
	path := filepath.Join(t.TempDir(), "thumbnails.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path, thumbnail.Options{})
		for i := range n {
			s.Add(media, timeline.Position(i)*1000, picture(160, 90, i), nil)
			synctest.Wait()
		}
		settle()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
	return path
}

func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"another file", func([]byte) []byte { return bytes.Repeat([]byte("no bbolt "), 5000) }},
		{"cut", func(b []byte) []byte { return b[:len(bytes.TrimRight(b, "\x00"))/2] }}, // without what is written ahead
		{"cut to the head", func(b []byte) []byte { return b[:4096] }},
		{"noise behind the head", func(b []byte) []byte {
			for i := 2 * 4096; i < len(b); i++ {
				b[i] = byte(i * 7)
			}
			return b
		}},
		{"zeros behind the head", func(b []byte) []byte { clear(b[2*4096:]); return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filled(t, 30)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.change(b), 0o600); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := open(t, path, thumbnail.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
				if n, _ := s.Usage(); n != 0 {
					t.Errorf("%d pictures", n)
				}
				s.Add(media, 1000, picture(160, 90, 1), nil)
				settle()
				if jpegOf(t, s, 1000) == nil {
					t.Error("nothing is kept any more")
				}
				_, err := os.Stat(path + ".damaged")
				said := strings.Count(log.String(), "is damaged: it was set aside")
				if c.name == "empty" && (said != 0 || err == nil) || c.name != "empty" && (said != 1 || err != nil) {
					t.Errorf("said %d times; %v", said, err)
				}
			})
		})
	}
}

// TestDamageWhileOpen flips a bit in a picture: it is gone, and the file is begun anew, once.
func TestDamageWhileOpen(t *testing.T) {
	path := filled(t, 30)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.LastIndex(b, []byte{0xff, 0xd8, 0xff, 0xdb})
	for n := range 200 {
		b[i+300+n] ^= 0x55
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := open(t, path, thumbnail.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		gone := 0
		for i := range timeline.Position(30) {
			if jpegOf(t, s, i*1000) == nil {
				gone++
			}
		}
		if gone == 0 {
			t.Error("a picture that nobody kept was shown")
		}
		settle()
		if n, _ := s.Usage(); n != 0 {
			t.Errorf("%d pictures of a damaged file", n)
		}
		s.Add(media, 1000, picture(160, 90, 1), nil)
		settle()
		if jpegOf(t, s, 1000) == nil || strings.Count(log.String(), "is damaged: it was") != 1 {
			t.Error(log.String())
		}
	})
}

func TestOpenFails(t *testing.T) {
	path := filled(t, 1)
	synctest.Test(t, func(t *testing.T) {
		open(t, path, thumbnail.Options{})
		if _, err := thumbnail.Open(path, thumbnail.Options{Bytes: 1 << 20}); !errors.Is(err, thumbnail.ErrLocked) {
			t.Error(err)
		}
	})
	if _, err := thumbnail.Open(filepath.Join(path, "below"), thumbnail.Options{Bytes: 1 << 20}); err == nil {
		t.Error("opened below a file")
	}
	if _, err := thumbnail.Open(path, thumbnail.Options{}); err == nil {
		t.Error("opened without room")
	}
}

func TestRemove(t *testing.T) {
	path := filled(t, 1)
	if err := os.WriteFile(path+".damaged", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := thumbnail.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
}

// childVariable has the test program be the one that is killed.
const childVariable = "SPOTTER_TEST_THUMBNAILS"

// TestKilled kills a program that keeps pictures, again and again: each time the file is whole, and what was written stays.
func TestKilled(t *testing.T) {
	if path := os.Getenv(childVariable); path != "" {
		s, err := thumbnail.Open(path, thumbnail.Options{Bytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := s.Usage()
		shown, told := picture(160, 90, n), false
		for i := timeline.Position(n); ; i++ {
			s.Add(media, i*1000, shown, nil)
			if now, _ := s.Usage(); now > n && !told {
				told = true
				os.Stdout.WriteString("written\n")
			}
			time.Sleep(time.Millisecond) // until the parent kills this program
		}
	}
	path, kept := filepath.Join(t.TempDir(), "thumbnails.db"), 0
	for range 2 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), childVariable+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 8)); err != nil { // until some were written
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for now := before; now.ModTime().Equal(before.ModTime()); { // then it is in the middle of the next, or just behind it
			if now, err = os.Stat(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		var log bytes.Buffer
		s, err := thumbnail.Open(path, thumbnail.Options{Bytes: 1 << 20, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := s.Usage()
		if log.Len() > 0 || n < kept {
			t.Errorf("%d pictures after %d: %s", n, kept, log.String())
		}
		kept = n
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if kept == 0 {
		t.Error("nothing was ever written")
	}
}
