package httpapi

// Overviews returns what makes an overview of m and of what tell tells.
func Overviews(m Media, tell func() Overview) func() error {
	o := &overviews{media: m, tell: tell}
	return func() error {
		_, err := o.renewed()
		return err
	}
}
