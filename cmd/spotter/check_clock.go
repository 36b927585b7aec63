package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// strayClock is how far a clock may be from an origin's before it is said, one second of it for the Date header's rounding.
	strayClock = 3 * time.Second
	// wrongClock is from where on positions by time of day are off by scenes, and soon AWS refuses requests (at five minutes).
	wrongClock = time.Minute
	dateTime   = 5 * time.Second // for an origin to tell its time
)

// clockState asks the kernel for its clock: whether something holds it synchronised, and by how much it may be off at most
// (adjtimex(2): STA_UNSYNC and maxerror, which grows by 0.5 ms a second since the last correction).
func clockState() (synchronized bool, within time.Duration, err error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if errors.Is(err, unix.EPERM) { // the unit's ProtectClock= and SystemCallFilter= refuse even to read it
		synchronized, err = timesyncState(timesyncFolder)
		return synchronized, maxClockError, err
	}
	if err != nil {
		return false, 0, err
	}
	synchronized = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	return synchronized, time.Duration(t.Maxerror) * time.Microsecond, nil
}

// timesyncFolder is where systemd-timesyncd touches the file "synchronized" each time it has set the clock (systemd-timesyncd.service(8)).
const timesyncFolder = "/run/systemd/timesync"

// maxClockError is where the kernel itself gives up (NTP_PHASE_LIMIT), and clockHolds how long that takes at 0.5 ms a second.
const (
	maxClockError = 16 * time.Second
	clockHolds    = maxClockError * 2000
)

// timesyncState asks systemd-timesyncd for the clock where the kernel may not be asked. Its error says that nobody can tell.
func timesyncState(folder string) (synchronized bool, err error) {
	if _, err := os.Stat(folder); err != nil {
		return false, fmt.Errorf("neither the kernel nor systemd-timesyncd tells whether the clock is right: %w", err)
	}
	mark, err := os.Stat(filepath.Join(folder, "synchronized"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return time.Since(mark.ModTime()) < clockHolds, nil
}

// clock checks that something holds the clock right, and that it is: zero as a time of day and AWS signatures need it.
func (r *report) clock(ctx context.Context, hosts []*url.URL) {
	synchronized, within, err := clockState()
	switch {
	case err != nil:
		r.note("clock", "cannot be asked: "+err.Error())
	case !synchronized:
		r.advise("clock", "not synchronised: nothing holds it right; AWS refuses requests more than 5 minutes off",
			"apt install systemd-timesyncd (or chrony), and look at timedatectl")
	default:
		r.line("clock", fmt.Sprintf("synchronised, within %s", within.Round(time.Millisecond)), nil)
	}
	for _, u := range hosts {
		off, err := clockAgainst(ctx, u)
		if err == nil {
			r.strays("clock", u.Host, off)
			return // one tells enough
		}
	}
}

// strays says how far the clock is from another's.
func (r *report) strays(name, other string, off time.Duration) {
	said := fmt.Sprintf("%s ahead of %s", off.Round(time.Second), other)
	if off < 0 {
		said = fmt.Sprintf("%s behind %s", (-off).Round(time.Second), other)
	}
	switch {
	case off.Abs() >= wrongClock:
		r.line(name, "", mend(errors.New(said), "set the clock: enable systemd-timesyncd or chrony, or correct the origin's"))
	case off.Abs() >= strayClock:
		r.advise(name, said, "see which of the two is right: timedatectl timesync-status, or chronyc tracking")
	default:
		r.line(name, "agrees with "+other, nil)
	}
}

// clockAgainst returns how far this machine's clock is ahead of what a host says in its answers (RFC 9110 section 6.6.1), whatever
// it answers. It is asked without credentials.
func clockAgainst(ctx context.Context, at *url.URL) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, dateTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: "/"}).String(), nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", userAgent())
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	asked := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	took := time.Since(asked)
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, fmt.Errorf("read Date: %w", err)
	}
	// It was taken about halfway, and cut to the second.
	return asked.Add(took / 2).Sub(theirs.Add(time.Second / 2)), nil
}
