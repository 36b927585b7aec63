// Command spotter watches live HLS streams, knows who and what is on screen, and answers viewers' devices.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"spotter/systemd"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	if isDecoder(os.Args) {
		os.Exit(decodeApart(os.Stderr))
	}
	ctx, stop := interruptible(context.Background())
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// interruptible returns a context that the first SIGINT or SIGTERM ends; a second one ends the program at once.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
			return
		}
		<-signals
		os.Exit(exitFailed)
	}()
	return ctx, cancel
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintf(stderr, "spotter: %v\n", err)
	}
	if errors.Is(err, errUsage) || errors.Is(err, errConfig) {
		return exitUsage
	}
	return exitFailed
}

// errSaid marks a failure whose words were already printed.
var errSaid = errors.New("failed")

// cli is what the commands share.
type cli struct {
	stdout, stderr io.Writer
	configPath     string
	verbose        bool
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	c := &cli{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:           "spotter",
		Short:         "Knows who and what is on screen in a live stream, and answers viewers' devices",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.PersistentFlags().StringVar(&c.configPath, "config", "", "configuration `FILE` (or "+configVariable+")")
	root.PersistentFlags().BoolVarP(&c.verbose, "verbose", "v", false, "log more")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.AddCommand(c.runCommand(), c.demoCommand(), c.analyzeCommand(), c.lookupCommand(), c.checkCommand(), c.modelsCommand(), c.facesCommand(), c.keysCommand(), c.engageCommand(), c.backupCommand(), c.restoreCommand(), c.cloudTemplateCommand(), c.docsCommand(), c.versionCommand())
	usage(root)
	return root
}

// usage makes wrong arguments of any command count as wrong usage.
func usage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w: %w; see %s --help", errUsage, err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usage(sub)
	}
}

func (c *cli) logger() *slog.Logger { return c.loggerAt(c.level(slog.LevelInfo)) }

// level returns the least urgent level that is logged: all with --verbose, else the one given.
func (c *cli) level(usual slog.Level) slog.Level {
	if c.verbose {
		return slog.LevelDebug
	}
	return usual
}

func (c *cli) loggerAt(level slog.Leveler) *slog.Logger {
	if systemd.InJournal() {
		return slog.New(systemd.NewJournal(level, c.stderr))
	}
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}

func (c *cli) config() (config, error) { return loadConfig(c.configPath) }

func (c *cli) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the appliance: analyse the configured streams and answer viewers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := c.config()
			if err != nil {
				return err
			}
			return c.run(cmd.Context(), conf)
		},
	}
}
