//go:build !nocv

package classic

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"

	"gocv.io/x/gocv"
)

// load reads a cascade. The file is verified first: of one that is missing OpenCV only says no, and over one that is
// damaged it ends the whole program with a C++ exception.
func load(c *gocv.CascadeClassifier, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = verify(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !c.Load(path) {
		return fmt.Errorf("%s: OpenCV cannot load it", path)
	}
	return nil
}

// verify checks that r is whole, well-formed XML with a cascade of the current kind and stages in it.
func verify(r io.Reader) error {
	decoder := xml.NewDecoder(r)
	kind, stages := false, false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("damaged: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		stages = stages || start.Name.Local == "stages"
		for _, a := range start.Attr {
			kind = kind || start.Name.Local == "cascade" && a.Name.Local == "type_id" && a.Value == "opencv-cascade-classifier"
		}
	}
	if !kind || !stages {
		return errors.New("not an OpenCV cascade")
	}
	return nil
}
