package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// run runs the appliance, or what serves look-ups alone, as a configuration says.
func (c *cli) run(ctx context.Context, conf config) error {
	signals := make(chan os.Signal, 1) // SIGHUP would end the program from the start on
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	level := c.levelOf(&conf)
	log := c.loggerAt(level)
	if conf.Timeline.DynamoDB != nil {
		l, err := openLookups(ctx, conf, log)
		if err != nil {
			return err
		}
		return c.runLookups(ctx, l, conf, signals)
	}
	path := configPath(c.configPath)
	read := (&reloader{path: path, files: conf.watched}).print()
	a, err := openApp(ctx, conf, log)
	if err != nil {
		return err
	}
	a.read = read
	a.told = managerNotices(log)
	if !c.verbose {
		a.level = level
	}
	return errors.Join(a.Run(ctx, path, signals), a.Close())
}

func (c *cli) levelOf(conf *config) *slog.LevelVar {
	level := new(slog.LevelVar)
	level.Set(c.level(conf.Log.level()))
	return level
}

// configPath returns where the configuration is; empty where it is nowhere.
func configPath(flag string) string {
	if flag != "" {
		return flag
	}
	return os.Getenv(configVariable)
}

// runLookups serves look-ups alone. Nothing of it changes while it runs: a reload names what needs a restart.
func (c *cli) runLookups(ctx context.Context, l *lookups, conf config, signals <-chan os.Signal) error {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	reload := &reloader{
		path: configPath(c.configPath), files: func() []string { return nil }, count: l.reloads, log: l.log,
		apply: func(_ context.Context, next *config) error {
			if keys := changedKeys(&conf, next); len(keys) > 0 {
				l.log.Warn("these keys changed: restart to apply", "keys", strings.Join(keys, ", "))
			}
			return nil
		},
	}
	go func() {
		defer close(ended)
		reload.run(ctx, signals)
	}()
	err := l.Run(ctx)
	stop()
	<-ended
	return err
}
