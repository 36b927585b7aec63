package awslocal

import "context"

// Start is start, for servers that every machine has.
var Start = start

// Serve is serve without what becomes of the server.
func Serve(ctx context.Context, output string, command func(port string) []string) error {
	p, _, err := serve(ctx, output, command)
	if err == nil {
		p.stop()
	}
	return err
}
