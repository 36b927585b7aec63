package main

import (
	"fmt"
	"net/netip"

	"spotter/httpapi"
)

// pageAdmin returns what the page may steer of what the admin API steers, for those who send its token. Without a token file there
// is none, and the page's routes say so.
func (c *config) pageAdmin(admin *httpapi.AdminConfig) (*httpapi.PageAdmin, error) {
	p := &httpapi.PageAdmin{Control: admin.Control, Profiles: admin.Profiles, Instruments: admin.Instruments}
	if c.HTTP.Admin.TokenFile == "" {
		return p, nil
	}
	proxies, err := c.trustedProxies()
	if err != nil {
		return nil, err
	}
	p.Token, err = httpapi.OpenAdminToken(c.secretPath(c.HTTP.Admin.TokenFile), proxies, admin.Log)
	if err != nil {
		return nil, fmt.Errorf("http.admin.token_file: %w: mend the file, and let this user read it", err)
	}
	return p, nil
}

// trustedProxies returns those whose word for where a request comes from is believed.
func (c *config) trustedProxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, proxy := range c.HTTP.Viewer.TrustedProxies {
		p, err := parseProxy(proxy)
		if err != nil {
			return nil, fmt.Errorf("http.viewer.trusted_proxies: %w", err)
		}
		list = append(list, p)
	}
	return list, nil
}
