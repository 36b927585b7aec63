package main

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"spotter/httpapi"
)

// httpConfig is what the box answers on.
type httpConfig struct {
	Viewer viewerConfig `yaml:"viewer"`
	Admin  adminConfig  `yaml:"admin"`
}

// Who is answered.
const (
	authNone = "none" // everybody
	authKeys = "keys" // who sends an API key
	authJWT  = "jwt"  // who sends a JSON Web Token
)

type viewerConfig struct {
	Listen            string     `yaml:"listen"`
	Auth              string     `yaml:"auth"`                // empty: none, on loopback
	KeysFile          string     `yaml:"keys_file"`           // of auth: keys
	JWT               *jwtConfig `yaml:"jwt"`                 // of auth: jwt
	Origins           []string   `yaml:"origins"`             // whose pages may read; unset: all, and none with auth: jwt
	RequestsPerSecond float64    `yaml:"requests_per_second"` // of one client; 0: no limit
	Burst             int        `yaml:"burst"`               // of one client; 0: the requests of a second
	TrustedProxies    []string   `yaml:"trusted_proxies"`     // whose X-Forwarded-For is believed
	TLS               *tlsConfig `yaml:"tls"`
}

type adminConfig struct {
	Listen    string     `yaml:"listen"`
	Auth      string     `yaml:"auth"`       // empty or none: who may ask is said by token_file
	TokenFile string     `yaml:"token_file"` // empty: everybody, on loopback
	TLS       *tlsConfig `yaml:"tls"`
}

type jwtConfig struct {
	JWKSFile   string        `yaml:"jwks_file"`
	SecretFile string        `yaml:"secret_file"` // in place of jwks_file
	Issuer     string        `yaml:"issuer"`      // empty: any
	Audience   string        `yaml:"audience"`    // empty: tokens without one
	Leeway     time.Duration `yaml:"leeway"`
}

// tlsConfig is plain HTTP where it is not there.
type tlsConfig struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

const (
	mostLeeway = 5 * time.Minute
	mostRate   = 1_000_000 // requests a second, and of a burst
)

func (h *httpConfig) check(f *faults) {
	h.Viewer.check(f)
	h.Admin.check(f)
}

func (v *viewerConfig) check(f *faults) {
	const mend = "say auth: keys or auth: jwt, or auth: none if everybody may ask, or listen on 127.0.0.1"
	checkListen(f, v.Listen, v.Auth != "", mend, "viewer")
	if v.Auth != "" {
		oneOf(f, v.Auth, []string{authNone, authKeys, authJWT}, "http", "viewer", "auth")
	}
	if v.Auth == authKeys && v.KeysFile == "" {
		f.add("auth: keys needs a file: name one, and spotter keys add NAME makes it", "http", "viewer", "keys_file")
	}
	if v.Auth != authKeys && v.KeysFile != "" {
		f.add("is not asked for: say auth: keys", "http", "viewer", "keys_file")
	}
	v.checkJWT(f)
	for i, origin := range v.Origins {
		if err := httpapi.CheckOrigin(origin); err != nil {
			f.add(err.Error(), "http", "viewer", "origins", i)
		}
	}
	if !(v.RequestsPerSecond >= 0 && v.RequestsPerSecond <= mostRate) {
		f.add(fmt.Sprintf("%v is not between 0, which is no limit, and %d", v.RequestsPerSecond, mostRate), "http", "viewer", "requests_per_second")
	}
	if v.Burst < 0 || v.Burst > mostRate {
		f.add(fmt.Sprintf("%d is not between 0 and %d", v.Burst, mostRate), "http", "viewer", "burst")
	} else if v.Burst > 0 && v.RequestsPerSecond == 0 {
		f.add("is without requests_per_second", "http", "viewer", "burst")
	}
	for i, proxy := range v.TrustedProxies {
		if _, err := parseProxy(proxy); err != nil {
			f.add(fmt.Sprintf("%q is not an address or a network such as 10.0.0.0/8", proxy), "http", "viewer", "trusted_proxies", i)
		}
	}
	v.TLS.check(f, "viewer")
}

func (v *viewerConfig) checkJWT(f *faults) {
	j := v.JWT
	switch {
	case j == nil && v.Auth == authJWT:
		f.add("auth: jwt needs a section with a jwks_file or a secret_file", "http", "viewer", "jwt")
	case j == nil:
	case v.Auth != authJWT:
		f.add("is not asked for: say auth: jwt", "http", "viewer", "jwt")
	case (j.JWKSFile == "") == (j.SecretFile == ""):
		f.add("name either a jwks_file or a secret_file", "http", "viewer", "jwt")
	case j.Leeway < 0 || j.Leeway > mostLeeway:
		f.add(fmt.Sprintf("%s is not between 0 and 5m", j.Leeway), "http", "viewer", "jwt", "leeway")
	}
}

func (a *adminConfig) check(f *faults) {
	checkListen(f, a.Listen, a.TokenFile != "", "name a file with a token in token_file, or listen on 127.0.0.1", "admin")
	if a.Auth != "" && a.Auth != authNone {
		f.add(fmt.Sprintf("%q is not for this listener: it asks for the token of token_file, where one is named", a.Auth), "http", "admin", "auth")
	}
	a.TLS.check(f, "admin")
}

// checkListen has an address that other machines can reach refused where it was not said who may ask.
func checkListen(f *faults, listen string, said bool, mend, name string) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "" {
		f.add(fmt.Sprintf("%q is not host:port, such as 127.0.0.1:8080", listen), "http", name, "listen")
	} else if !said && !loopback(host) {
		f.add(fmt.Sprintf("%s can be reached from other machines: %s", listen, mend), "http", name, "listen")
	}
}

func (t *tlsConfig) check(f *faults, name string) {
	if t != nil && (t.CertFile == "" || t.KeyFile == "") {
		f.add("name both a cert_file and a key_file", "http", name, "tls")
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// parseProxy reads an address or a network.
func parseProxy(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}
