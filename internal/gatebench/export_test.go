package gatebench

// ParseScdet and Middles are opened for the tests.
var ParseScdet = parseScdet

// Middles returns the frames that Detector asks about and how many scenes there are.
func Middles(s *Stream, cuts []int) (asked []int, scenes int) {
	list, n := middles(s, cuts)
	for _, sc := range list {
		asked = append(asked, sc.asked)
	}
	return asked, n
}

// Render draws a recipe's raw pictures.
func (r *Recipe) Render(w interface{ Write([]byte) (int, error) }) error { return r.draw(w) }
