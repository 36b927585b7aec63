package main

import (
	"strings"

	"spotter/capture"
	"spotter/internal/awsfault"
)

// mends say what to do about a fault, by its kind, as /readyz and the page have it. docs/alerts has more about those that
// raise an alert.
func mends() map[string]string {
	return map[string]string{
		capture.FaultPlaylist: "see that the origin serves the playlist to this machine, that its credentials are not out of date, and that url is right: spotter check asks it as the box does",
		capture.FaultSegment:  "see that the origin serves every segment that the playlist names to this machine (allow_hosts, headers_file)",
		capture.FaultGap:      "look for losses between encoder, packager and origin: the playlist itself says that something is missing",
		capture.FaultStalled:  "see that the encoder runs and that the origin publishes new segments: spotter check asks it as the box does",
		capture.FaultBehind:   "give the box more CPU, set a longer sample_interval, or watch fewer streams: what was too far behind was left out",
		capture.FaultReset:    "see whether the encoder or the packager was started anew; positions go on where they were",
		capture.FaultClock:    "have the packager write EXT-X-PROGRAM-DATE-TIME, or set zero: first",
		capture.FaultDecoder:  "nothing, where it is rare: the decoder was replaced; else see whether memory runs out, and report the segment",
		faultDecode:           "look for losses between encoder and origin, and have the encoder make H.264, HEVC or MPEG-2 video",
		faultRecognize:        "see that the cloud answers, or that there is a local recogniser: spotter check and the log say more",
		faultCloud:            "check this machine's network: local answers serve meanwhile, and what was missed is asked about again",
		faultThrottled:        "raise usd_per_hour or calls_per_second to ask more, or ask Amazon for a higher quota where it throttles",
		faultRefused:          "correct the credentials, rights or region: spotter check and the log say which",
		faultStore:            "see that the disk of data_dir is well and takes data; the log has the cause",
		faultTable:            "check this machine's network and its rights to the table; /readyz has the cause",
		faultCrash:            "report it with the log, which has the stack; the stream was started again by itself",
		faultSchedule:         "correct schedule.calendar, or see that its address answers; the schedule that was read last goes on",
		faultDisk:             "delete files on the disk of data_dir, give it a larger one, or lower retention.max_bytes",
	}
}

// sentences makes a sentence of each mend.
func sentences(mends map[string]string) map[string]string {
	for kind, m := range mends {
		mends[kind] = strings.ToUpper(m[:1]) + m[1:] + "."
	}
	return mends
}

// cloudWords are what everybody may read of a fault of the cloud: its own text can name accounts and tables.
func cloudWords(kind string) string {
	switch kind {
	case faultThrottled:
		return "the cloud is asked less than there is to ask, for pace or budget"
	case faultRefused:
		return "the cloud refuses what it is asked until somebody mends it"
	}
	return "the cloud does not answer"
}

// sinkWords are what everybody may read of a fault of a sink, for the same reason.
func sinkWords(kind awsfault.Kind) string {
	switch kind {
	case awsfault.Throttled:
		return "it is asked too fast, and is told more slowly"
	case awsfault.Refused:
		return "it does not take some entries; the log names them"
	case awsfault.Denied:
		return "it takes nothing until somebody mends it: /readyz says what to do"
	}
	return "it does not answer; what waits is sent when it does"
}
