package intruder

import "strings"

// What messages are made of.
var (
	methods = []string{"GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "X", strings.Repeat("M", 200)}

	paths = []string{
		"/", "/v1/media", "/v1/media/{media}", "/v1/media/{media}/context", "/v1/media/{media}/context", "/v1/media/{media}/context",
		"/v1/media/{media}/timeline", "/v1/media/{media}/timeline.vtt", "/v1/media/{media}/metadata.m3u8",
		"/v1/media/{media}/metadata/{value}", "/v1/media/{media}/metadata/{value}.vtt", "/v1/media/{media}/dateranges.m3u8",
		"/v1/media/{media}/windows/{value}", "/v1/media/{media}/windows/45-60", "/v1/media/{media}/live", "/v1/context", "/v1/decisions/{value}/events",
		"/v1/decisions/d1/events", "/v1/decisions/late/events", "/v1/profiles/{value}", "/v1/profiles", "/v1/instruments/{value}", "/v1/engagement",
		"/openapi.json", "/client.js", "/favicon.ico", "/{value}", "/v1/{value}", "/v1/media/", "//v1/media", "/v1/media/../../etc/passwd",
		"/v1/media/%2e%2e/context", "/v1/media/{media}/context/", "/v1/media//context", "/v1//context", "*", "http://spotter/v1/media",
		"/v1/media/{media}/start", "/metrics", "/debug/pprof/", "/v1/media/{media}%2Fcontext", "/v1/media/{media}\\context",
	}

	parameters = []string{
		"position", "position", "time", "backward", "forward", "profile", "engage", "decision", "from", "until", "media", "last_event_id", "grid", "format",
		"POSITION", "position[]", "", "utm", "%70osition", "\xff", "a%00b",
	}

	values = []string{
		"", "0", "-0", "1", "50", "50.25", "-1.5", "1e3", "1e999", "NaN", "Infinity", "-Infinity", "0x10", "9223372036854775807", "9223372036854775.807",
		"-9223372036854775808", "99999999999999999999999", "0.0001", "+5", " 5", "5 ", "1,5", "１２", "null", "true", "[]", "{}", "%", "%00", "\x00", "\r\n\r\n",
		"2026-11-23T14:00:00Z", "2026-11-23T14:00:00+02:00", "2026-11-23T24:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-11-23",
		"a,b,c", ",", strings.Repeat("m,", 300), "45-60", "-15-0", "60-45", "1-2-3", "45-60.vtt", "0-9223372036854775807", "'; DROP TABLE media; --", "<script>alert(1)</script>",
		"../../../etc/passwd", "\xff\xfe", "\xed\xa0\x80", "\u2028", "é", "🏆", "${jndi:ldap://x}", "$(id)", "1.7", "120.5.3", "p1", strings.Repeat("9", 400), strings.Repeat("x", 1500),
	}

	headers = []string{
		"Accept", "Accept-Encoding", "Authorization", "X-API-Key", "If-None-Match", "If-Modified-Since", "Range", "Last-Event-ID", "Origin", "Cookie",
		"Access-Control-Request-Method", "Access-Control-Request-Headers", "X-Forwarded-For", "Content-Type", "Content-Encoding", "Connection", "Expect", "Upgrade", "TE",
		"Host", "Referer", "User-Agent", "X-HTTP-Method-Override", "Forwarded",
	}

	headerValues = []string{
		"", "*", "*/*", "gzip", "br", "gzip;q=0, br;q=1.0", "gzip;q=NaN", "br;q=-1, *;q=1e9", "identity;q=0", ",,,,", ";;;", "Bearer ", "Bearer x", "Basic Og==",
		"Bearer eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.AAAA", "\"\"", "W/\"x\"", "*, *", "\"" + strings.Repeat("f", 300) + "\"",
		"bytes=0-0", "bytes=-1", "bytes=9-1,2-3", "1-2", "1.2.3", "-1", "18446744073709551616", "https://evil.example", "null", "127.0.0.1, ::1, x",
		"close", "keep-alive", "Upgrade", "websocket", "Thu, 01 Jan 1970 00:00:00 GMT", "application/json", "multipart/form-data; boundary=\"", "text/event-stream",
		strings.Repeat("a, ", 500), strings.Repeat("z", 3000),
	}

	// events are bodies that may be an event's.
	events = []string{
		`{"type":"click","value":1}`, `{"type":"view"}`, `{"type":"dismiss","value":1e999}`, `{"type":"convert","value":-1}`, `{"type":"answer","value":null}`,
		`{"type":["click"]}`, `{"type":"click","type":"view"}`, `{"TYPE":"click"}`, `{"type":"click","\u0000":1}`, `{"type":"click"`, `[]`, `null`, `{}`, "", "\xff\xfe",
		`{"type":"click","value":` + strings.Repeat("9", 3000) + `}`, strings.Repeat(`{"a":`, 1000), strings.Repeat("[", 4000), `{"type":"` + strings.Repeat("x", 5000) + `"}`,
	}

	versions = []string{"HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/1.", "", "HTTP/1.1 x"}

	framings = []string{
		"Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Content-Length: -1",
		"Content-Length: 0x5", "Content-Length: 99999999999999999999", "Content-Length: +5", "Content-Length: 5, 5", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, identity",
		"Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked", " Content-Length: 5", "Content-Length\r\n : 5", "Host: a\r\nHost: b", "Content-Length: 1000", "Transfer-Encoding: chunked",
		"Expect: 100-continue\r\nContent-Length: 5", "Expect: 200-ok", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c", "X: a\nContent-Length: 5", "X: a\r\n folded", ": empty", "No-Colon",
	}

	bodies = []string{
		"", "hello", "5\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\nx", "-1\r\nx\r\n", "5;ext=\"\r\nhello\r\n0\r\n\r\n", "zz\r\n", "0\r\nTrailer: x\r\n\r\n", "0\r\n\r\nGET /v1/media HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: smuggled\r\n\r\n", "\x00\x00\x00", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	}
)
