package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"spotter/httpapi/client"
	"spotter/timeline"
)

// exampleBox stands for a box that has seen one scene.
func exampleBox() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/media/cup-final/context":
			fmt.Fprint(w, `{"media":"cup-final","from":40.0,"until":55.0,"analyzed_until":61.2,"complete":true,`+
				`"celebrities":[{"name":"Lin-Manuel Miranda","confidence":99.1,"from":45.0,"until":50.25,"source":"rekognition"}],"objects":[]}`)
		case "/v1/media/cup-final/live":
			fmt.Fprint(w, "event: observation\nid: 1\ndata: {\"from\":45,\"until\":50.25,\"celebrities\":[{\"name\":\"Lin-Manuel Miranda\"}]}\n\n"+
				"event: error\ndata: {\"reason\":\"media_gone\"}\n\n")
		}
	}))
}

// Who was on screen in the ten seconds before a position, and the five after it.
func ExampleClient_Context() {
	box := exampleBox()
	defer box.Close()

	c, err := client.New(client.Config{BaseURL: box.URL, Credential: client.Static("my API key")})
	if err != nil {
		log.Fatal(err)
	}
	window, err := c.Context(context.Background(), "cup-final", client.Query{At: 50_000, Backward: 10_000, Forward: 5_000})
	var p *client.Problem
	if errors.As(err, &p) {
		log.Fatalf("the box refuses: %s", p.Detail)
	} else if err != nil {
		log.Fatal(err)
	}
	for _, one := range window.Celebrities {
		fmt.Printf("%s from %v to %v\n", one.Name, one.From, one.Until)
	}
	// Output: Lin-Manuel Miranda from 45.0 to 50.25
}

// Everything that is seen, as it becomes known; what is revised takes the place of what it revises.
func ExampleClient_Follow() {
	box := exampleBox()
	defer box.Close()

	c, err := client.New(client.Config{BaseURL: box.URL})
	if err != nil {
		log.Fatal(err)
	}
	scenes := make(map[timeline.Position]*timeline.Observation)
	for event, err := range c.Follow(context.Background(), "cup-final", client.FollowOptions{}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		o := event.Observation
		if o == nil {
			continue
		}
		if before := scenes[o.From]; before == nil || before.Revision < o.Revision {
			scenes[o.From] = o
			fmt.Println(o.From, o.Celebrities[0].Name)
		}
	}
	// Output:
	// 45.0 Lin-Manuel Miranda
	// the media is gone
}
