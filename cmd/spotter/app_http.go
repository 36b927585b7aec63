package main

import (
	"fmt"
	"log/slog"
	"net"

	"spotter/httpapi"
)

// secretPath returns where a file that a key of the http section names is looked for: as those of media are.
func (c *config) secretPath(name string) string {
	if name == "" {
		return ""
	}
	return (&mediaConfig{folder: c.folder}).secretPath(name)
}

// viewerAccess returns who may ask the viewer API what.
func (c *config) viewerAccess(log *slog.Logger) (*httpapi.Access, error) {
	v := &c.HTTP.Viewer
	a := httpapi.AccessConfig{
		KeysFile: c.secretPath(v.KeysFile), Origins: v.Origins,
		RequestsPerSecond: v.RequestsPerSecond, Burst: v.Burst, Log: log,
	}
	if j := v.JWT; j != nil {
		a.JWT = &httpapi.JWTConfig{
			JWKSFile: c.secretPath(j.JWKSFile), SecretFile: c.secretPath(j.SecretFile),
			Issuer: j.Issuer, Audience: j.Audience, Leeway: j.Leeway,
		}
	}
	if len(a.Origins) == 0 && v.Auth != authJWT {
		a.Origins = []string{"*"}
	}
	var err error
	if a.TrustedProxies, err = c.trustedProxies(); err != nil {
		return nil, err
	}
	access, err := httpapi.NewAccess(a)
	if err != nil {
		return nil, fmt.Errorf("http.viewer: %w: mend the file, and let this user read it", err)
	}
	return access, nil
}

// guardAdmin has the admin API ask for a token, where one is configured.
func (c *config) guardAdmin(s *httpapi.Server, log *slog.Logger) error {
	if c.HTTP.Admin.TokenFile == "" {
		return nil
	}
	if err := s.RequireToken(c.secretPath(c.HTTP.Admin.TokenFile), log); err != nil {
		return fmt.Errorf("http.admin.token_file: %w: mend the file, and let this user read it", err)
	}
	return nil
}

// doors are the two listeners, open.
type doors struct{ viewer, admin door }

// door is one listener, and where to find it.
type door struct {
	net.Listener
	scheme string
}

// url is the listener's address as a client writes it.
func (d door) url() string { return d.scheme + "://" + d.Addr().String() }

// openDoors opens both listeners, or none.
func (c *config) openDoors(log *slog.Logger) (d doors, err error) {
	if d.viewer, err = c.openDoor("viewer", c.HTTP.Viewer.Listen, c.HTTP.Viewer.TLS, log); err != nil {
		return d, err
	}
	if d.admin, err = c.openDoor("admin", c.HTTP.Admin.Listen, c.HTTP.Admin.TLS, log); err != nil {
		d.viewer.Close()
		return doors{}, err
	}
	return d, nil
}

func (c *config) openDoor(name, address string, t *tlsConfig, log *slog.Logger) (door, error) {
	l, err := listen("http."+name+".listen", address)
	if err != nil {
		return door{}, err
	}
	if t == nil {
		return door{l, "http"}, nil
	}
	secure, err := httpapi.NewTLSListener(l, c.secretPath(t.CertFile), c.secretPath(t.KeyFile), log)
	if err != nil {
		l.Close()
		return door{}, fmt.Errorf("http.%s.%w: name a certificate and its key as PEM, and let this user read them", name, err)
	}
	return door{secure, "https"}, nil
}
