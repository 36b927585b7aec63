package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"spotter/models"
	"spotter/models/onnx"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
)

// The values of vision.local.objects, faces and identities.
const (
	yoloxNano     = "yolox-nano"
	yoloxTiny     = "yolox-tiny"
	yoloxS        = "yolox-s"
	nanodet       = "nanodet"
	yunet         = "yunet"
	ultraface     = "ultraface"
	sface         = "sface"
	mobilefacenet = "mobilefacenet" // for tests only: to name it is the consent
)

// networks are ONNX Runtime and the models that the configuration names, of which only the published files are loaded.
type networks struct {
	config  *config
	runtime *onnx.Runtime          // nil before the first model
	library func() (string, error) // tells where ONNX Runtime is; nil: findONNX
}

// Close frees the runtime with all that was loaded.
func (n *networks) Close() error {
	if n.runtime == nil {
		return nil
	}
	return n.runtime.Close()
}

func (n *networks) load(name string) (*onnx.Network, models.Model, error) {
	m, err := models.Find(name)
	if err != nil {
		return nil, m, err
	}
	if err := models.Verify(n.config.modelsDir(), m); err != nil {
		return nil, m, err
	}
	if err := n.open(); err != nil {
		return nil, m, err
	}
	net, err := n.runtime.LoadWith(models.Path(n.config.modelsDir(), m), onnx.Options{Threads: 1, Provider: n.config.Vision.Local.Provider})
	return net, m, err
}

// open opens the runtime unless it is.
func (n *networks) open() error {
	if n.runtime != nil {
		return nil
	}
	find := n.library
	if find == nil {
		find = findONNX
	}
	library, err := find()
	if err != nil {
		return err
	}
	n.runtime, err = onnx.Open(library)
	return err
}

func (n *networks) objects() (local.ObjectFinder, error) {
	l := n.config.Vision.Local
	net, m, err := n.load(l.Objects)
	if err != nil {
		return nil, err
	}
	if l.Objects == nanodet {
		return local.NewNanoDet(net, l.MinConfidence), nil
	}
	return local.NewYOLOX(net, m.Input[3], l.MinConfidence), nil
}

func (n *networks) faces() (local.FaceFinder, error) {
	name := n.config.Vision.Local.Faces
	net, _, err := n.load(name)
	if err != nil {
		return nil, err
	}
	if name == ultraface {
		return local.NewUltraFace(net, local.DefaultMinFaceConfidence), nil
	}
	return local.NewYuNet(net, local.DefaultMinFaceConfidence), nil
}

// identity returns the network that tells faces apart, and as what the gallery knows its embeddings.
func (n *networks) identity() (*local.Identity, gallery.Model, error) {
	name := n.config.Vision.Local.Identities
	net, m, err := n.load(name)
	if err != nil {
		return nil, gallery.Model{}, err
	}
	identity := local.NewSFace(net)
	if name == mobilefacenet {
		identity = local.NewMobileFaceNet(net)
	}
	return identity, gallery.Model{Name: m.Name, Version: m.SHA256[:12], Threshold: identity.Threshold()}, nil
}

// identityModel is what identity knows the model by, without loading it.
func (c *config) identityModel() (gallery.Model, error) {
	m, err := models.Find(c.Vision.Local.Identities)
	if err != nil {
		return gallery.Model{}, err
	}
	return gallery.Model{Name: m.Name, Version: m.SHA256[:12], Threshold: m.Match}, nil
}

// findONNX returns the path of ONNX Runtime's library.
func findONNX() (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(executable); err == nil {
		executable = real
	}
	return onnx.Find(onnx.Places(executable)...)
}

func (c *config) modelsDir() string { return filepath.Join(c.DataDir, "models") }

// withPull adds to an error about models that are missing how to get all of them.
func (c *config) withPull(err error) error {
	if errors.Is(err, models.ErrMissing) || errors.Is(err, models.ErrAltered) {
		return fmt.Errorf("faces need two models: run `spotter models pull %s %s`: %w", c.Vision.Local.Faces, c.Vision.Local.Identities, err)
	}
	return err
}

// openFaces opens what finds and names faces. Faces are found where they cannot be named: err then says why not.
func openFaces(n *networks, c *config) (finder local.FaceFinder, identity *local.Identity, people *gallery.Gallery, err error) {
	finder, identity, model, err := n.faceNetworks()
	if err != nil {
		return finder, nil, nil, err
	}
	if people, err = gallery.Open(c.galleryDir(), model); err != nil {
		return finder, nil, nil, err
	}
	return finder, identity, people, nil
}

// faceNetworks opens what finds faces and tells them apart. Faces are found where they cannot be told apart: err then says
// why not.
func (n *networks) faceNetworks() (finder local.FaceFinder, identity *local.Identity, model gallery.Model, err error) {
	if finder, err = n.faces(); err != nil {
		return nil, nil, model, err
	}
	if identity, model, err = n.identity(); err != nil {
		return finder, nil, model, err
	}
	return finder, identity, model, nil
}
