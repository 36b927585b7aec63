package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"spotter/timeline"
	"spotter/vision/local/gallery"
)

// errNotKept says that there are no unknown faces, and how there would be.
var errNotKept = errors.New("unknown faces are not kept: set vision.local.unknown_faces.keep, such as 24h, and start the box anew")

// unknownFacesCommands are the commands about faces without a name. They work beside a running box.
func (c *cli) unknownFacesCommands() []*cobra.Command {
	var format string
	unknown := &cobra.Command{
		Use:   "unknown",
		Short: "List the faces that nobody could name, and where they were seen",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return c.listUnknown(format) },
	}
	unknown.Flags().StringVar(&format, "format", "table", "`FORMAT` of the output: table or json")
	var who gallery.Person
	name := &cobra.Command{
		Use:   "name UNKNOWN-ID NAME",
		Short: "Enrol an unknown face, and name it in what was observed",
		Long: "Enrol an unknown face, or add it to a person who is enrolled. A running box adds the name to what it observed of the\n" +
			"face within seconds, one that does not run when it starts.",
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			who.Name = args[1]
			return c.nameUnknown(args[0], who)
		},
	}
	name.Flags().StringVar(&who.ID, "id", "", "`ID` of the person (default one made of the name)")
	name.Flags().StringArrayVar(&who.URLs, "url", nil, "`URL` where to read more about the person; may be repeated")
	var all bool
	forget := &cobra.Command{
		Use:   "forget UNKNOWN-ID...",
		Short: "Erase unknown faces, here and in a running box",
		RunE: func(_ *cobra.Command, ids []string) error {
			if all == (len(ids) > 0) {
				return fmt.Errorf("%w: give the ids of unknown faces, or --all", errUsage)
			}
			return c.forgetUnknown(ids)
		},
	}
	forget.Flags().BoolVar(&all, "all", false, "erase all of them")
	return []*cobra.Command{unknown, name, forget}
}

// openUnknown opens the unknown faces to look at, or returns errNotKept.
func (c *cli) openUnknown() (*gallery.Unknowns, *config, error) {
	conf, err := c.config()
	if err != nil {
		return nil, nil, err
	}
	keep := conf.Vision.Local.UnknownFaces.Keep
	if keep == 0 {
		return nil, nil, errNotKept
	}
	model, err := conf.identityModel()
	if err != nil {
		return nil, nil, err
	}
	u, err := gallery.OpenUnknowns(conf.unknownFacesFile(), model, keep)
	return u, &conf, err
}

func (c *cli) listUnknown(format string) error {
	if format != "table" && format != "json" {
		return fmt.Errorf("%w: --format %q is none of table, json", errUsage, format)
	}
	unknowns, _, err := c.openUnknown()
	if errors.Is(err, errNotKept) {
		fmt.Fprintln(c.stderr, err)
		return nil
	}
	if err != nil {
		return err
	}
	list := unknowns.List()
	if format == "json" {
		return c.listUnknownJSON(list)
	}
	if len(list) == 0 {
		fmt.Fprintln(c.stderr, "no unknown face is kept")
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSEEN\tFIRST\tLAST\tLAST AT")
	for _, p := range list {
		first, last := p.Sightings[0], p.Sightings[len(p.Sightings)-1]
		fmt.Fprintf(w, "%s\t%d\t%s %s\t%s %s\t%s\n", p.ID, len(p.Sightings), first.Media, first.Position, last.Media, last.Position,
			last.At.UTC().Format(time.RFC3339))
	}
	return w.Flush()
}

// listUnknownJSON prints a line for each face.
func (c *cli) listUnknownJSON(list []gallery.Unknown) error {
	type sighting struct {
		Media    string            `json:"media"`
		Position timeline.Position `json:"position"`
		At       time.Time         `json:"at"`
	}
	e := json.NewEncoder(c.stdout)
	for _, p := range list {
		err := e.Encode(struct {
			ID    string   `json:"id"`
			Seen  int      `json:"seen"`
			First sighting `json:"first"`
			Last  sighting `json:"last"`
		}{p.ID, len(p.Sightings), sighting(p.Sightings[0]), sighting(p.Sightings[len(p.Sightings)-1])})
		if err != nil {
			return err
		}
	}
	return nil
}

// nameUnknown enrols an unknown face. It stays among the unknown ones until a box has put the name into what was
// observed.
func (c *cli) nameUnknown(id string, who gallery.Person) error {
	unknowns, conf, err := c.openUnknown()
	if err != nil {
		return err
	}
	model, err := conf.identityModel()
	if err != nil {
		return err
	}
	people, err := gallery.Open(conf.galleryDir(), model)
	if err != nil {
		return err
	}
	who, looks, of, err := nameFace(people, unknowns, id, who)
	switch {
	case errors.Is(err, gallery.ErrNobody):
		return fmt.Errorf("%w: see spotter faces unknown", err)
	case errors.Is(err, gallery.ErrPerson), errors.Is(err, gallery.ErrAmbiguous):
		return fmt.Errorf("%w: %w", errUsage, err)
	case err != nil:
		return err
	}
	fmt.Fprintf(c.stdout, "%s (%s): enrolled by %d of %d looks at %s, known by %d\n",
		who.Name, who.ID, looks, of, id, who.Uses(model))
	c.warn(people, who, nil)
	return nil
}

// forgetUnknown erases the unknown faces of the given ids, or all where there are none.
func (c *cli) forgetUnknown(ids []string) error {
	if len(ids) == 0 {
		conf, err := c.config()
		if err != nil {
			return err
		}
		if err := gallery.EraseUnknowns(conf.unknownFacesFile()); err != nil {
			return err
		}
		fmt.Fprintln(c.stdout, "all unknown faces: forgotten")
		return nil
	}
	unknowns, _, err := c.openUnknown()
	if err != nil {
		return err
	}
	if err := unknowns.Forget(ids...); err != nil {
		return fmt.Errorf("%w: see spotter faces unknown", err)
	}
	for _, id := range ids {
		fmt.Fprintf(c.stdout, "%s: forgotten\n", id)
	}
	return nil
}

// checkFaces says which people will be mistaken for one another, and which photos do not fit their person.
func (c *cli) checkFaces() error {
	people, err := c.openGallery()
	if err != nil {
		return err
	}
	unused := people.Unused()
	for _, err := range unused {
		fmt.Fprintln(c.stdout, err)
	}
	faults, model := len(unused), people.Model()
	for _, p := range people.List() {
		faces, similarity := p.Misfits(model)
		for i, f := range faces {
			fmt.Fprintf(c.stdout, "%s (%s): the photo %.12s is unlike every other one (%.2f): see that it shows the same person\n",
				p.Name, p.ID, f.Photo, similarity[i])
		}
		faults += len(faces)
	}
	for _, x := range people.Confusions() {
		fmt.Fprintf(c.stdout, "%s: see that both have the right photos, and add more\n", x)
		faults++
	}
	if faults > 0 {
		return fmt.Errorf("the gallery has %d faults", faults)
	}
	fmt.Fprintf(c.stdout, "%d people, none of whom is taken for another\n", len(people.List()))
	return nil
}
