package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"spotter/capture/opencv"

	"spotter/internal/testmedia"
)

// TestScript runs the command lines of testdata. Beside testscript's own, the scripts have the commands
//
//	exits CODE PROGRAM ARG...   run it and compare its exit code
//	expand FILE...              put the values of $VARIABLES into files
//
// and the conditions [opencv] and [kit].
func TestScript(t *testing.T) {
	kit, haveKit := testmedia.FindKit(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("KIT", kit)
			e.Setenv("CLIPS", clipFolder)
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("GORACE", raceOptions)
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "opencv":
				return haveOpenCV() && haveClips(), nil
			case "kit":
				return haveKit, nil
			}
			return false, errors.New("unknown condition " + name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "expand": expand},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// clipFolder is where Debian's opencv-doc has its clips.
const clipFolder = "/usr/share/doc/opencv-doc/examples/data"

func haveClips() bool {
	_, err := os.Stat(filepath.Join(clipFolder, "vtest.avi"))
	_, missing := exec.LookPath("ffmpeg")
	return err == nil && missing == nil
}

func haveOpenCV() bool {
	d, err := opencv.New()
	return err == nil && d.Close() == nil
}

// needPictures skips a test where pictures cannot be decoded or there are none.
func needPictures(t *testing.T) {
	t.Helper()
	if !haveOpenCV() || !haveClips() {
		t.Skip("needs OpenCV, ffmpeg and opencv-doc")
	}
}
