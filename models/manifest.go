// Package models owns the model files on disk: which ones Spotter knows, where they come from, under which licence
// and with which hash, and how they are fetched and verified. It is plain Go.
package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Model is one model file that Spotter knows.
type Model struct {
	// Name is how the configuration and the command line call it, such as "yolox-nano".
	Name string
	// File is its name upstream, in a mirror and on disk.
	File string
	// URL is where its authors publish it; empty when it can only come from a mirror.
	URL string
	// SHA256 is the hash of the file, in lower-case hexadecimal.
	SHA256 string
	// Bytes is the size of the file.
	Bytes int64
	// Licence is the SPDX identifier of the weights' licence.
	Licence string
	// Note says what it is for, what it was trained on, and what to mind.
	Note string
	// Cleared is false for a model whose training data does not allow commercial use: it is for tests only.
	Cleared bool
}

var (
	// ErrUnknown is returned for a name that is not in the manifest.
	ErrUnknown = errors.New("no such model")
	// ErrMissing is wrapped when a model's file is not on disk.
	ErrMissing = errors.New("missing")
	// ErrAltered is wrapped when a file is not, byte for byte, the one that the manifest names.
	ErrAltered = errors.New("not the published file")
	// ErrNoSource is wrapped when a model has no public address and no mirror was given.
	ErrNoSource = errors.New("has no public address")
)

// zoo is the OpenCV Zoo at the commit whose Git LFS object ids are the hashes below.
const zoo = "https://media.githubusercontent.com/media/opencv/opencv_zoo/966be4cb6eefc2a4f586ed0581bf4bbaa2533070/models/"

// All returns the manifest, in the order in which it is to be listed.
func All() []Model {
	return []Model{
		{
			Name:    "yunet",
			File:    "face_detection_yunet_2023mar.onnx",
			URL:     zoo + "face_detection_yunet/face_detection_yunet_2023mar.onnx",
			SHA256:  "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
			Bytes:   232_589,
			Licence: "MIT",
			Note:    "faces and five landmarks; trained on WIDER FACE",
			Cleared: true,
		},
		{
			Name:    "sface",
			File:    "face_recognition_sface_2021dec.onnx",
			URL:     zoo + "face_recognition_sface/face_recognition_sface_2021dec.onnx",
			SHA256:  "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
			Bytes:   38_696_353,
			Licence: "Apache-2.0",
			Note:    "identities: 128 numbers a face, cosine match at 0.363",
			Cleared: true,
		},
		{
			Name:    "yolox-nano",
			File:    "yolox_nano.onnx",
			URL:     "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
			SHA256:  "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
			Bytes:   3_659_407,
			Licence: "Apache-2.0",
			Note:    "80 kinds of objects at 416 pixels; trained on COCO, mAP 25.8",
			Cleared: true,
		},
		{
			Name:    "yolox-s",
			File:    "object_detection_yolox_2022nov.onnx",
			URL:     zoo + "object_detection_yolox/object_detection_yolox_2022nov.onnx",
			SHA256:  "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
			Bytes:   35_858_002,
			Licence: "Apache-2.0",
			Note:    "80 kinds of objects at 640 pixels; trained on COCO, mAP 40.5",
			Cleared: true,
		},
		{
			Name:    "nanodet",
			File:    "object_detection_nanodet_2022nov.onnx",
			URL:     zoo + "object_detection_nanodet/object_detection_nanodet_2022nov.onnx",
			SHA256:  "4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186",
			Bytes:   3_800_954,
			Licence: "Apache-2.0",
			Note:    "80 kinds of objects at 416 pixels; trained on COCO",
			Cleared: true,
		},
		{
			Name:    "ultraface",
			File:    "version-RFB-320.onnx",
			URL:     "https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB/raw/master/models/onnx/version-RFB-320.onnx",
			SHA256:  "34cd7e60aeff28744c657de7a3dc64e872d506741de66987f3426f2b79f88017",
			Bytes:   1_270_727,
			Licence: "MIT",
			Note:    "faces without landmarks; trained on WIDER FACE",
			Cleared: true,
		},
		{
			Name:    "mobilefacenet",
			File:    "mobilefacenet_rit5k.onnx",
			SHA256:  "e0974ec4c84ae30781e9b0a320c37c6705944d4532bfa9fb0c083755b19dde14",
			Bytes:   3_981_135,
			Licence: "MIT",
			Note:    "identities, test only: its training data, MS-Celeb-1M, is non-commercial; cosine match at 0.40",
			Cleared: false,
		},
	}
}

// Find returns the model of the given name; its error wraps ErrUnknown and lists the names there are.
func Find(name string) (Model, error) {
	var names []string
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Model{}, fmt.Errorf("%w: %q (there are %s)", ErrUnknown, name, strings.Join(names, ", "))
}

// Path returns where the file of m is kept under the models' folder dir.
func Path(dir string, m Model) string { return filepath.Join(dir, m.File) }

// Verify reads the whole file of m under dir and compares it with the manifest. The error wraps ErrMissing or
// ErrAltered and says how to mend it, or is that of reading the file.
func Verify(dir string, m Model) error {
	name := Path(dir, m)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is %w: run `spotter models pull %s`", name, ErrMissing, m.Name)
	}
	if err != nil {
		return fmt.Errorf("verify model: %w", err)
	}
	defer f.Close()
	switch same, err := published(f, m); {
	case err != nil:
		return fmt.Errorf("verify model: %w", err)
	case !same:
		return fmt.Errorf("%s is %w: run `spotter models pull %s` to replace it", name, ErrAltered, m.Name)
	}
	return nil
}

// published reports whether f, read from its beginning, is the file of m.
func published(f *os.File, m Model) (bool, error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != m.Bytes {
		return false, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return hex.EncodeToString(h.Sum(nil)) == m.SHA256, nil
}
