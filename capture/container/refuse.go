package container

import "errors"

// worse returns which of two reasons to refuse a stream tells its operator more.
func worse(a, b error) error {
	if severity(b) > severity(a) {
		return b
	}
	return a
}

func severity(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrEncrypted):
		return 4
	case errors.Is(err, ErrCodec):
		return 3
	case errors.Is(err, ErrNoVideo):
		return 1
	}
	return 2
}
