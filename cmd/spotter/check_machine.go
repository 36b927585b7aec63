package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"spotter/capture/apart/jail"
)

const (
	// leastFiles is room for the descriptors of eight streams and a thousand viewers.
	leastFiles = 4096
	dnsTime    = 5 * time.Second
	slowDNS    = time.Second // from where on each new connection is late for its segment
	unitName   = "spotter.service"
)

// machine checks what the machine gives the box beside its disk.
func (r *report) machine(ctx context.Context, conf *config) {
	r.files()
	r.decoder(jail.FilesError())
	r.secrets(conf)
	r.unit(ctx)
}

// files checks how many descriptors there may be; Go itself raises the soft limit to the hard one.
func (r *report) files() {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		r.note("open files", err.Error())
		return
	}
	if l.Max < leastFiles {
		r.advise("open files", fmt.Sprintf("%d at most: many viewers at once would be refused", l.Max),
			fmt.Sprintf("LimitNOFILE=%d in the unit, or ulimit -n", 16*leastFiles))
		return
	}
	r.line("open files", fmt.Sprintf("%d at most", l.Max), nil)
}

// decoder says whether a decoder's files are confined on this machine; it runs with seccomp alone where they are not.
func (r *report) decoder(unconfined error) {
	if unconfined != nil {
		r.note("decoder", notConfined+": "+unconfined.Error()) // which says what mends it
		return
	}
	r.line("decoder", "its files are confined", nil)
}

// secrets checks that nobody else may read what the configuration keeps out of itself.
func (r *report) secrets(conf *config) {
	v, a := &conf.HTTP.Viewer, &conf.HTTP.Admin
	names := map[string]string{"http.admin.token_file": a.TokenFile}
	if v.JWT != nil {
		names["http.viewer.jwt.secret_file"] = v.JWT.SecretFile
	}
	for key, t := range map[string]*tlsConfig{"http.viewer.tls.key_file": v.TLS, "http.admin.tls.key_file": a.TLS} {
		if t != nil {
			names[key] = t.KeyFile
		}
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if names[key] == "" {
			continue
		}
		path := conf.secretPath(names[key])
		info, err := os.Stat(path)
		switch {
		case err != nil:
			r.line("secrets", "", mend(fmt.Errorf("%s: %w", key, err), "put the file there, and let this user read it"))
		case info.Mode().Perm()&0o004 != 0:
			r.advise("secrets", fmt.Sprintf("%s: every user may read %s", key, path), "chmod o-rwx "+path)
		default:
			r.line("secrets", fmt.Sprintf("%s: %s is closed to others", key, path), nil)
		}
	}
	if info, err := os.Stat(filepath.Join(conf.DataDir, databaseFile)); err == nil && info.Mode().Perm()&0o004 != 0 {
		r.advise("secrets", "every user may read the database", "chmod o-rwx "+filepath.Join(conf.DataDir, databaseFile))
	}
}

// unit says how the service of the package does, where there is systemd.
func (r *report) unit(ctx context.Context) {
	if _, err := os.Stat("/run/systemd/system"); err != nil { // sd_booted(3)
		r.note("service", "this machine was not started by systemd: see yourself that the box is started again after a power cut")
		return
	}
	out, err := exec.CommandContext(ctx, "systemctl", "show", "--property=LoadState,ActiveState,UnitFileState,NRestarts", unitName).Output()
	if err != nil {
		r.note("service", "systemctl: "+err.Error())
		return
	}
	r.unitFound(parseUnit(string(out)))
}

// unitState is what systemctl show says of the unit.
type unitState struct{ load, active, file, restarts string }

func parseUnit(text string) (u unitState) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "LoadState":
			u.load = value
		case "ActiveState":
			u.active = value
		case "UnitFileState":
			u.file = value
		case "NRestarts":
			u.restarts = value
		}
	}
	return u
}

func (r *report) unitFound(u unitState) {
	switch {
	case u.load != "loaded":
		r.note("service", unitName+" is not installed: the package has it")
	case u.active == "failed":
		r.line("service", "", mend(errors.New(unitName+" has failed"), "journalctl -u spotter -n 50 says why; then systemctl restart spotter"))
	case u.active != "active":
		r.advise("service", fmt.Sprintf("%s is %s", unitName, u.active), "systemctl enable --now spotter")
	case u.file != "enabled":
		r.advise("service", unitName+" runs, but is not started when the machine is", "systemctl enable spotter")
	default:
		r.line("service", unitName+" runs, started again "+u.restarts+" times since", nil)
	}
}

// names checks that the hosts of the origins have addresses, and how long that takes.
func (r *report) names(ctx context.Context, hosts []*url.URL) {
	seen := map[string]bool{}
	for _, u := range hosts {
		host := u.Hostname()
		if _, err := netip.ParseAddr(host); err == nil || seen[host] {
			continue
		}
		seen[host] = true
		r.name(ctx, host)
	}
}

func (r *report) name(ctx context.Context, host string) {
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	began := time.Now()
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	took := time.Since(began)
	if err != nil {
		r.line("dns", "", mend(err, "correct the host's name, or the resolver of this machine (/etc/resolv.conf, resolvectl status)"))
		return
	}
	said := fmt.Sprintf("%s is %s, found in %s", host, found[0], took.Round(time.Millisecond))
	if took >= slowDNS {
		r.advise("dns", said, "a resolver near this machine would answer in milliseconds (resolvectl status)")
		return
	}
	r.line("dns", said, nil)
}

// hosts returns the addresses of all streams, as far as they can be read.
func (c *config) hosts() (list []*url.URL) {
	for i := range c.Media {
		if urls, err := c.Media[i].urls(); err == nil {
			list = append(list, urls...)
		}
	}
	return list
}
