package engage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"spotter/engage/ledger"
)

// Bounds of a profile.
const (
	MaxProfileAttributes = 64
	MaxProfileBytes      = 16 << 10
	MaxViewerID          = 256 // characters
)

// ErrProfile is wrapped by what is said of a profile, or of a viewer's id, that cannot be taken.
var ErrProfile = errors.New("the profile cannot be taken")

// Profile returns the stored profile of a viewer, a JSON object, or ErrUnknown.
func (e *Engine) Profile(id string) ([]byte, error) {
	if err := checkViewer(id); err != nil {
		return nil, err
	}
	return e.ledger.Profile(id)
}

// PutProfile puts a viewer's profile in place of the one before: a JSON object of at most MaxProfileAttributes attributes
// and MaxProfileBytes, each a string, a number, a truth or a list of these. Faults wrap ErrProfile and name the attribute.
func (e *Engine) PutProfile(id string, text []byte) error {
	if err := checkViewer(id); err != nil {
		return err
	}
	text, err := checkProfile(text)
	if err != nil {
		return err
	}
	if err := e.ledger.PutProfile(id, text); err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	e.viewers.refresh(id)
	return nil
}

// EraseViewer takes out all that is kept of a viewer: profile, counts, decisions and events. When it returns it is gone
// from memory and from disk. An unknown viewer is no error.
func (e *Engine) EraseViewer(id string) error {
	if err := checkViewer(id); err != nil {
		return err
	}
	return e.viewers.erase(id, func(v ledger.Viewer) error {
		err := e.ledger.Erase(id)
		e.recent.forget(v)
		if err != nil && !errors.Is(err, ledger.ErrUnknown) {
			return fmt.Errorf("erasing a viewer: %w", err)
		}
		return nil
	})
}

// checkViewer refuses what is no viewer's id. What it says never has the id in it.
func checkViewer(id string) error {
	n := utf8.RuneCountInString(id)
	if n < 1 || n > MaxViewerID || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return fmt.Errorf("%w: a viewer's id has 1 to %d characters, none of them a control character", ErrProfile, MaxViewerID)
	}
	return nil
}

// checkProfile returns a profile without blanks.
func checkProfile(text []byte) ([]byte, error) {
	if len(text) > MaxProfileBytes {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrProfile, MaxProfileBytes)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrProfile)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%w: it is not a JSON object", ErrProfile)
	}
	names := make(map[string]bool)
	var faults []error
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: it is not JSON: %w", ErrProfile, err)
		}
		name := t.(string)
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("%w: attribute %q is not JSON: %w", ErrProfile, name, err)
		}
		if names[name] {
			faults = append(faults, fmt.Errorf("attribute %q is there twice; give it once", name))
		}
		names[name] = true
		if err := checkAttribute(name, v); err != nil {
			faults = append(faults, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("%w: it is not JSON: %w", ErrProfile, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: something follows the object", ErrProfile)
	}
	if len(names) > MaxProfileAttributes {
		faults = append(faults, fmt.Errorf("there are %d attributes; give at most %d", len(names), MaxProfileAttributes))
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrProfile, errors.Join(faults...))
	}
	var b bytes.Buffer
	err := json.Compact(&b, text)
	return b.Bytes(), err
}

func checkAttribute(name string, v any) error {
	if name == "" || utf8.RuneCountInString(name) > 128 || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("attribute %q: a name has 1 to 128 characters, none of them a control character", name)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, one := range list {
		if _, ok := scalar(one); !ok {
			return fmt.Errorf("attribute %q is neither a string, a number, true, false nor a list of these; leave it out when it is not known", name)
		}
	}
	return nil
}

// ImportError says which lines of an import were not taken.
type ImportError struct {
	// Faults are in the order of the lines, the first 100 at most; Lines counts all.
	Faults []error
	Lines  int
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("%d lines were not taken: %v", e.Lines, errors.Join(e.Faults...))
}

// Unwrap returns the faults, one for each line.
func (e *ImportError) Unwrap() []error { return e.Faults }

func (e *ImportError) add(line int, err error) {
	e.Lines++
	if len(e.Faults) < 100 {
		e.Faults = append(e.Faults, fmt.Errorf("line %d: %w", line, err))
	}
}

// ImportProfiles reads profiles, one JSON object a line with the viewer's id as "id", and returns how many it has put. A line
// that cannot be taken stops nothing else: the error is then an *ImportError. Any other error ends the import; what came before a
// line that cannot be read is put.
func (e *Engine) ImportProfiles(r io.Reader) (int, error) {
	var (
		faults ImportError
		batch  []ledger.Profile
		n      int
	)
	lines := bufio.NewReaderSize(r, 2*MaxProfileBytes)
	for line := 1; ; line++ {
		text, err := readLine(lines)
		if err != nil && !errors.Is(err, errLong) && err != io.EOF {
			if kept := e.putProfiles(batch); kept == nil {
				n += len(batch)
			}
			return n, fmt.Errorf("reading line %d: %w", line, err)
		}
		if errors.Is(err, errLong) {
			faults.add(line, err)
		} else if text = bytes.TrimSpace(text); len(text) > 0 {
			if p, err := parseLine(text); err != nil {
				faults.add(line, err)
			} else {
				batch = append(batch, p)
			}
		}
		if len(batch) == 1000 || err == io.EOF {
			if err := e.putProfiles(batch); err != nil {
				return n, err
			}
			n += len(batch)
			batch = batch[:0]
		}
		if err == io.EOF {
			break
		}
	}
	if faults.Lines > 0 {
		return n, &faults
	}
	return n, nil
}

func (e *Engine) putProfiles(batch []ledger.Profile) error {
	if len(batch) == 0 {
		return nil
	}
	if err := e.ledger.PutProfiles(batch); err != nil {
		return fmt.Errorf("keeping profiles: %w", err)
	}
	for i := range batch {
		e.viewers.refresh(batch[i].ID)
	}
	return nil
}

var errLong = fmt.Errorf("it has more than %d bytes", 2*MaxProfileBytes)

// readLine returns the next line, which is good until the next call. It skips one that is too long, with errLong.
func readLine(r *bufio.Reader) ([]byte, error) {
	text, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return nil, errLong
}

// parseLine takes a line apart into the id and the attributes.
func parseLine(text []byte) (ledger.Profile, error) {
	var fields map[string]json.RawMessage
	switch err := json.Unmarshal(text, &fields); {
	case !utf8.Valid(text):
		return ledger.Profile{}, errors.New("it is not UTF-8")
	case err != nil:
		return ledger.Profile{}, fmt.Errorf("it is not a JSON object: %w", err)
	case fields != nil && !distinct(text, len(fields)):
		return ledger.Profile{}, errors.New("a name is there twice; give it once")
	}
	var id string
	if err := json.Unmarshal(fields["id"], &id); err != nil {
		return ledger.Profile{}, errors.New(`it has no "id" that is a string`)
	}
	if err := checkViewer(id); err != nil {
		return ledger.Profile{}, err
	}
	delete(fields, "id")
	rest, err := json.Marshal(fields)
	if err != nil {
		return ledger.Profile{}, err
	}
	rest, err = checkProfile(rest)
	return ledger.Profile{ID: id, Attributes: rest}, err
}

// distinct reports whether an object, which is known to be JSON, has no more members than names.
func distinct(text []byte, names int) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return false
	}
	members := 0
	for ; d.More(); members++ {
		var value json.RawMessage
		if _, err := d.Token(); err != nil || d.Decode(&value) != nil {
			return false
		}
	}
	return members == names
}
