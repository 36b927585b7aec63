package gatebench

import (
	"context"
	"path/filepath"
)

// Those who are on screen, by the names under which the kit's photos enrol them.
const (
	miranda   = "lin-manuel-miranda"
	lacamoire = "alex-lacamoire"
	obama     = "obama"
	biden     = "biden"
	harington = "kit-harington"
	leslie    = "rose-leslie"
)

// camera is one of those between which a vision mixer cuts.
type camera struct {
	source func(drift float64) Source
	shows  Answer
}

// talkShow is four conversations of a minute, cut to and fro between two people, with a third picture now and then.
func (st *Studio) talkShow(ctx context.Context) (*Recipe, error) {
	d := &desk{ctx: ctx, st: st}
	footage := func(from, until int, who ...string) camera {
		clip := d.clip(st.video("short_hamilton_clip.mp4"), from, until)
		return camera{func(float64) Source { return clip }, names(who...)}
	}
	still := func(folder, file string, v View, who ...string) camera {
		photo := d.kit(folder, file)
		return camera{func(drift float64) Source {
			near := View{v.X + drift/4, v.Y - drift/8, v.Width * (0.97 - drift)}
			return Still{photo, []View{{v.X, v.Y, v.Width * 0.97}, near}}
		}, names(who...)}
	}
	conversations := [][3]camera{
		{
			footage(82, 211, miranda),
			still("enrol", "alex-lacamoire.png", View{0.5, 0.5, 1}, lacamoire),
			footage(0, 20, miranda, lacamoire),
		},
		{
			still("enrol", "obama.jpg", View{0.5, 0.28, 0.95}, obama),
			still("enrol", "biden.jpg", View{0.5, 0.17, 1}, biden),
			still("test", "two_people__obama_biden.jpg", View{0.5, 0.48, 1}, obama, biden),
		},
		{
			still("enrol", "kit-harington.jpg", View{0.6, 0.4, 0.7}, harington),
			still("enrol", "rose-leslie.jpg", View{0.5, 0.45, 0.95}, leslie),
			still("test", "kit_with_rose.jpg", View{0.5, 0.28, 1}, harington, leslie),
		},
		{
			still("test", "obama2.jpg", View{0.5, 0.3, 1}, obama),
			still("enrol", "lin-manuel-miranda.png", View{0.5, 0.45, 1}, miranda),
			footage(211, 275),
		},
	}
	r, grain := &Recipe{Name: "talk-show"}, []Effect{Noise(3, 1)}
	dice := dice(1)
	for _, cameras := range conversations {
		for i, left := 0, 60*Rate; left > 0; i++ {
			c := cameras[[]int{0, 1, 0, 1, 2, 0, 1, 0, 2, 1}[i%10]]
			length := between(dice, 3, 12)
			if left -= length; left < 3*Rate { // no shot shorter than that
				length, left = length+left, 0
			}
			r.Shots = append(r.Shots, Shot{
				Source: c.source(dice.Float64() * 0.06), Pictures: length, Shows: c.shows, Effects: grain,
			})
		}
	}
	return r, d.err
}

// mixed is animation, stills and fades, joined by cuts and dissolves, with flashes.
func (st *Studio) mixed(ctx context.Context) (*Recipe, error) {
	d := &desk{ctx: ctx, st: st}
	megamind, test := filepath.Join(Samples, "Megamind.avi"), st.video("testvideo.mp4")
	her, him := d.clip(megamind, 12, 90), d.clip(megamind, 102, 152)
	herAgain, himNear := d.clip(megamind, 160, 198), d.clip(megamind, 205, 268)
	leaf, deer := d.clip(test, 60, 120), d.clip(test, 250, 330)
	rock, metal := d.clip(test, 430, 520), d.clip(test, 600, 660)
	fades := d.clip(st.video("fades.mp4"), 0, 250)
	flash, blind := Flashes(30, 75, 78, 110)
	shot := func(s Source, seconds, mix int) Shot { return Shot{Source: s, Pictures: seconds * Rate, Mix: mix} }
	flashed := shot(deer, 6, 12)
	flashed.Effects, flashed.Blind = []Effect{flash}, blind
	return &Recipe{Name: "mixed", Shots: []Shot{
		shot(her, 4, 0), shot(him, 3, 0), shot(her, 3, 0), shot(him, 4, 0),
		shot(leaf, 6, 25), flashed, shot(rock, 5, 0), shot(metal, 6, 38), shot(Bars{}, 2, 20),
		shot(herAgain, 4, 20), shot(himNear, 5, 0), shot(herAgain, 3, 0), shot(himNear, 3, 0), shot(leaf, 5, 50),
		shot(fades, 10, 0), shot(deer, 5, 0), shot(her, 4, 25), shot(rock, 4, 0), shot(him, 3, 0), shot(metal, 6, 12),
		shot(himNear, 5, 0),
	}}, d.err
}

// hostile is a talking head beset by all that a gate should not ask about.
func (st *Studio) hostile(ctx context.Context) (*Recipe, error) {
	d := &desk{ctx: ctx, st: st}
	head := d.clip(st.video("short_hamilton_clip.mp4"), 90, 205)
	near := head
	near.Path = []View{{0.5, 0.5, 1}, {0.42, 0.4, 0.6}}
	var at []int
	for dice, n := dice(3), 10; n < 15*Rate; n += 8 + dice.IntN(40) {
		at = append(at, n)
	}
	flash, blind := Flashes(append(at, 2*Rate, 6*Rate, 6*Rate+12, 11*Rate-1)...) // some of them on a sampled picture
	who := names(miranda)
	grain := Noise(2, 5)
	later := func(seconds int) Clip { c := head; c.Skip = seconds * Rate; return c }
	return &Recipe{Name: "hostile", Shots: []Shot{
		{Source: head, Pictures: 15 * Rate, Shows: who, Effects: []Effect{grain, LowerThird("LIN-MANUEL MIRANDA", 5*Rate, 11*Rate)}},
		{Source: Bars{}, Pictures: 8 * Rate, Effects: []Effect{grain}},
		{Source: later(15), Pictures: 15 * Rate, Shows: who, Effects: []Effect{grain, flash}, Blind: blind},
		{Source: Bars{Colour: true}, Pictures: 8 * Rate},
		{Source: later(30), Pictures: 12 * Rate, Shows: who, Effects: []Effect{Noise(14, 6)}},
		{Source: Freeze{later(42)}, Pictures: 15 * Rate, Shows: who, Goes: true},
		{Source: near, Pictures: 20 * Rate, Shows: who, Effects: []Effect{grain}, Goes: true},
		{Source: later(60), Pictures: 20 * Rate, Shows: who, Effects: []Effect{
			grain, Ticker("HAMILTON OPENS AT THE PUBLIC THEATER  *  WEATHER: RAIN LATER  *  ", 5*Rate, 15*Rate),
		}},
		{Source: Bars{}, Pictures: 4 * Rate},
		{Source: later(80), Pictures: 15 * Rate, Shows: who, Effects: []Effect{
			grain, LowerThird("LIN-MANUEL MIRANDA", 2*Rate, 6*Rate), LowerThird("COMPOSER", 9*Rate, 13*Rate),
		}},
	}}, d.err
}

// football is a wide picture with fast pans to and fro, and near ones of players.
func (st *Studio) football(ctx context.Context) (*Recipe, error) {
	d := &desk{ctx: ctx, st: st}
	pitch := d.clip(filepath.Join(Samples, "vtest.avi"), 0, 150)
	ball, player := d.photo(Samples, "basketball1.png"), d.photo(Samples, "messi5.jpg")
	street, horse, yard := d.kit("objects", "bus.jpg"), d.kit("objects", "person.jpg"), d.kit("objects", "dog.jpg")
	grain := []Effect{Noise(3, 8)}
	dice := dice(4)
	wide := func(skip, seconds int) Shot {
		c := pitch
		c.Skip, c.Path = skip*Rate, nil
		for i := range seconds*2/3 + 2 { // from side to side in a second and a half
			c.Path = append(c.Path, View{[]float64{0.25, 0.75}[i%2], 0.35 + 0.3*dice.Float64(), 0.5})
		}
		return Shot{Source: c, Pictures: seconds * Rate, Effects: grain}
	}
	still := func(s Still, seconds int) Shot { return Shot{Source: s, Pictures: seconds * Rate, Effects: grain} }
	return &Recipe{Name: "football", Shots: []Shot{
		wide(0, 15), still(Still{player, []View{{0.5, 0.5, 1}, {0.5, 0.5, 0.8}}}, 4), wide(15, 10),
		still(Still{ball, []View{{0.3, 0.5, 0.7}, {0.7, 0.5, 0.7}, {0.3, 0.5, 0.7}}}, 5), wide(25, 12),
		still(Still{street, []View{{0.5, 0.3, 1}, {0.5, 0.8, 1}, {0.5, 0.3, 1}, {0.5, 0.8, 1}}}, 6),
		still(Still{player, []View{{0.5, 0.5, 0.8}, {0.5, 0.5, 1}}}, 3), wide(37, 14),
		still(Still{horse, []View{{0.35, 0.5, 0.7}, {0.65, 0.5, 0.7}, {0.35, 0.5, 0.7}}}, 6),
		still(Still{yard, []View{{0.3, 0.5, 0.6}, {0.7, 0.5, 0.6}}}, 4), wide(51, 10),
		still(Still{player, []View{{0.4, 0.5, 0.8}, {0.6, 0.5, 0.8}}}, 4),
	}}, d.err
}
