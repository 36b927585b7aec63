package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"spotter/vision/local/gallery"
)

func (c *cli) facesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "faces",
		Short: "Enrol, list and remove the people whom the local models can name, and name unknown faces",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var who gallery.Person
	add := &cobra.Command{
		Use:   "add NAME PHOTO...",
		Short: "Enrol a person by photos, or add photos of one who is enrolled",
		Long: "Enrol a person by photos, or add photos of one who is enrolled. Each photo is judged and the fit ones are kept; of\n" +
			"these not the photos are kept but what the models need to recognise the face. A running box notices within a second.",
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			who.Name = args[0]
			return c.addFaces(cmd.Context(), who, args[1:])
		},
	}
	add.Flags().StringVar(&who.ID, "id", "", "`ID` of the person (default one made of the name)")
	add.Flags().StringArrayVar(&who.URLs, "url", nil, "`URL` where to read more about the person; may be repeated")
	var format string
	list := &cobra.Command{
		Use:   "list",
		Short: "List who is enrolled",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return c.listFaces(format) },
	}
	list.Flags().StringVar(&format, "format", "table", "`FORMAT` of the output: table or json")
	cmd.AddCommand(add, list, &cobra.Command{
		Use:   "check",
		Short: "Say who will be mistaken for whom, and which photos do not fit",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return c.checkFaces() },
	}, &cobra.Command{
		Use:   "remove NAME|ID",
		Short: "Remove a person and all that is kept of their face",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return c.removeFaces(args[0]) },
	})
	cmd.AddCommand(c.unknownFacesCommands()...)
	return cmd
}

// addFaces judges photos of a person and enrols the person with the fit ones.
func (c *cli) addFaces(ctx context.Context, who gallery.Person, paths []string) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	n := &networks{config: &conf}
	defer n.Close()
	finder, identity, people, err := openFaces(n, &conf)
	if err != nil {
		return conf.withPull(err)
	}
	known, err := enrolled(people, who)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	e := &enroller{finder: finder, identity: identity, model: people.Model(), pixels: mostPhotoPixels}
	fit, unfit, err := c.judge(ctx, e, known, paths)
	if err != nil {
		return err
	}
	if len(fit) == 0 {
		if unfit == len(paths) {
			return fmt.Errorf("%s was not enrolled: no photo is fit", who.Name)
		}
		return nil // all are there
	}
	for _, p := range fit {
		who.Faces = append(who.Faces, p.face)
	}
	who, err = people.Add(who)
	if errors.Is(err, gallery.ErrPerson) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s (%s): enrolled by %d, known by %d\n", who.Name, who.ID, len(fit), who.Uses(people.Model()))
	c.warn(people, who, fit)
	return nil
}

// judge looks at each photo and says what it is good for. It returns the fit ones that are not there yet, and how many
// are unfit.
func (c *cli) judge(ctx context.Context, e *enroller, known gallery.Person, paths []string) (fit []portrait, unfit int, err error) {
	seen := map[string]string{}
	for _, path := range paths {
		photo, err := readPhoto(path)
		if err == nil {
			if first, twice := seen[photo.hash]; twice {
				fmt.Fprintf(c.stderr, "%s: the same photo as %s\n", path, first)
				continue
			}
			if seen[photo.hash] = path; known.Has(photo.hash, e.model) {
				fmt.Fprintf(c.stderr, "%s: is there already\n", path)
				continue
			}
			var p portrait
			if p, err = e.look(ctx, photo); err == nil {
				fmt.Fprintf(c.stdout, "%s: fit, the face is %d pixels wide\n", path, p.width)
				for _, hint := range p.hints {
					fmt.Fprintf(c.stderr, "warning: %s: %s\n", path, hint)
				}
				fit = append(fit, p)
				continue
			}
		}
		if ctx.Err() != nil {
			return nil, 0, fmt.Errorf("nobody was enrolled: %w", ctx.Err())
		}
		unfit++
		fmt.Fprintf(c.stderr, "%s: unfit: %s\n", path, strings.TrimPrefix(err.Error(), "open "+path+": "))
	}
	return fit, unfit, nil
}

// warn says which faces will be mistaken.
func (c *cli) warn(people *gallery.Gallery, who gallery.Person, fit []portrait) {
	for _, doubt := range doubts(people, who, fit) {
		fmt.Fprintf(c.stderr, "warning: %s\n", doubt)
	}
}

// openGallery opens the gallery to look into; nothing is recognised.
func (c *cli) openGallery() (*gallery.Gallery, error) {
	conf, err := c.config()
	if err != nil {
		return nil, err
	}
	model, err := conf.identityModel()
	if err != nil {
		return nil, err
	}
	return gallery.Open(conf.galleryDir(), model)
}

func (c *cli) listFaces(format string) error {
	if format != "table" && format != "json" {
		return fmt.Errorf("%w: --format %q is none of table, json", errUsage, format)
	}
	people, err := c.openGallery()
	if err != nil {
		return err
	}
	for _, err := range people.Unused() {
		fmt.Fprintf(c.stderr, "warning: %v\n", err)
	}
	if format == "json" {
		return c.listFacesJSON(people)
	}
	list := people.List()
	if len(list) == 0 {
		fmt.Fprintln(c.stderr, "nobody is enrolled: spotter faces add NAME PHOTO...")
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tID\tPHOTOS\tUSED\tURLS")
	for _, p := range list {
		urls := strings.Join(p.URLs, " ")
		if urls == "" {
			urls = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", p.Name, p.ID, len(p.Faces), p.Uses(people.Model()), urls)
	}
	return w.Flush()
}

// listFacesJSON prints a line for each person.
func (c *cli) listFacesJSON(people *gallery.Gallery) error {
	e := json.NewEncoder(c.stdout)
	for _, p := range people.List() {
		urls := p.URLs
		if urls == nil {
			urls = []string{}
		}
		err := e.Encode(struct {
			Name   string   `json:"name"`
			ID     string   `json:"id"`
			URLs   []string `json:"urls"`
			Photos int      `json:"photos"`
			Used   int      `json:"used"` // those of the configured model
		}{p.Name, p.ID, urls, len(p.Faces), p.Uses(people.Model())})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) removeFaces(nameOrID string) error {
	people, err := c.openGallery()
	if err != nil {
		return err
	}
	gone, err := people.Remove(nameOrID)
	switch {
	case errors.Is(err, gallery.ErrNobody):
		return fmt.Errorf("%w: see spotter faces list", err)
	case errors.Is(err, gallery.ErrAmbiguous):
		return fmt.Errorf("%w: %w", errUsage, err)
	case err != nil:
		return err
	}
	fmt.Fprintf(c.stdout, "%s (%s): removed\n", gone.Name, gone.ID)
	return nil
}
