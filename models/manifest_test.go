package models_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"spotter/models"

	"spotter/internal/testmedia"
)

func TestManifest(t *testing.T) {
	hash := regexp.MustCompile(`^[0-9a-f]{64}$`)
	seen := map[string]bool{}
	for _, m := range models.All() {
		t.Run(m.Name, func(t *testing.T) {
			for _, unique := range []string{m.Name, m.File, m.SHA256} {
				if seen[unique] {
					t.Errorf("%s is there twice", unique)
				}
				seen[unique] = true
			}
			if !hash.MatchString(m.SHA256) || m.Bytes <= 0 || m.Version == "" || m.Licence == "" || m.Gives == "" || m.Training == "" {
				t.Errorf("entry is incomplete: %+v", m)
			}
			if m.File != filepath.Base(m.File) || filepath.Ext(m.File) != ".onnx" {
				t.Errorf("File = %q, want the plain name of an .onnx file", m.File)
			}
			if m.Cleared && !strings.HasPrefix(m.URL, "https://") {
				t.Errorf("URL = %q, want https", m.URL)
			}
			if m.Cleared == strings.Contains(m.Training, "non-commercial") {
				t.Errorf("Cleared = %v disagrees with the training data %q", m.Cleared, m.Training)
			}
			if (m.Purpose == models.Identities) != (m.Match > 0 && m.Match < 1) {
				t.Errorf("%s with a match at %v", m.Purpose, m.Match)
			}
			if m.Input[0] != 1 || m.Input[1] != 3 || m.Input[2] < 100 || m.Input[3] < 100 {
				t.Errorf("Input = %v, want one picture of three colours", m.Input)
			}
			if got, err := models.Find(m.Name); err != nil || got != m {
				t.Errorf("Find = %+v, %v", got, err)
			}
		})
	}
}

func TestFindUnknown(t *testing.T) {
	_, err := models.Find("yolo")
	if !errors.Is(err, models.ErrUnknown) || !strings.Contains(err.Error(), "yolox-nano") {
		t.Errorf("err = %v, want ErrUnknown with the names there are", err)
	}
}

func TestVerify(t *testing.T) {
	m, content := sample()
	tests := []struct {
		name    string
		content []byte
		want    error
	}{
		{"right", content, nil},
		{"missing", nil, models.ErrMissing},
		{"one bit flipped", flipped(content), models.ErrAltered},
		{"cut short", content[:100], models.ErrAltered},
		{"empty", []byte{}, models.ErrAltered},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.content != nil {
				write(t, models.Path(dir, m), tt.content)
			}
			err := models.Verify(dir, m)
			if !errors.Is(err, tt.want) {
				t.Fatalf("err = %v, want %v", err, tt.want)
			}
			if err != nil && !(strings.Contains(err.Error(), m.File) && strings.Contains(err.Error(), "spotter models pull sample")) {
				t.Errorf("err = %v, want the file's name and the mend", err)
			}
		})
	}
}

// TestVerifyKit proves the manifest's hashes and sizes on the real files.
func TestVerifyKit(t *testing.T) {
	dir := testmedia.Kit(t, "models")
	verified := 0
	for _, m := range models.All() {
		switch err := models.Verify(dir, m); {
		case errors.Is(err, models.ErrMissing): // too large for the kit
		case err != nil:
			t.Error(err)
		default:
			verified++
		}
	}
	if verified == 0 {
		t.Error("no model of the kit is in the manifest")
	}
}
