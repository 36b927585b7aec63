package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.yaml.in/yaml/v3"

	main "spotter/cmd/spotter"
)

const monitoring = "../../monitoring"

// TestMetricsByConvention holds every metric against Prometheus's own linter.
func TestMetricsByConvention(t *testing.T) {
	problems, err := testutil.GatherAndLint(main.AllMetrics(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// rule is an alert of monitoring/alerts.yaml.
type rule struct {
	Alert, Expr, For string
	Labels           map[string]string
	Annotations      map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(read(t, filepath.Join(monitoring, "alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	return file.Groups[0].Rules
}

// panels returns the queries of the dashboard by their panels' titles.
func panels(t *testing.T) map[string][]string {
	t.Helper()
	var dashboard struct {
		UID    string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, filepath.Join(monitoring, "grafana", "spotter.json")), &dashboard); err != nil || dashboard.UID != "spotter" {
		t.Fatalf("dashboard %q: %v", dashboard.UID, err)
	}
	all := map[string][]string{}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all[p.Title] = append(all[p.Title], target.Expr)
		}
	}
	return all
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var metricName = regexp.MustCompile(`\b(spotter|process|go)_[a-z0-9_]+`)

// TestMetricsOfMonitoring: what the dashboard and the rules ask for is there.
func TestMetricsOfMonitoring(t *testing.T) {
	families, err := main.AllMetrics(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, f := range families {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			there[f.GetName()+suffix] = suffix == "" || f.GetType().String() == "HISTOGRAM"
		}
	}
	// Some series come with the first segment, request, decision or event.
	for _, name := range []string{"spotter_live_edge_seconds", "spotter_http_requests_total", "spotter_engage_decisions_total", "spotter_engage_events_total"} {
		there[name] = true
	}
	asked := panels(t)
	for _, r := range rules(t) {
		asked[r.Alert] = []string{r.Expr}
	}
	for where, queries := range asked {
		for _, q := range queries {
			for _, name := range metricName.FindAllString(q, -1) {
				if !there[name] {
					t.Errorf("%s asks for %s, which is not there", where, name)
				}
			}
		}
	}
}

// TestAlertPages: each alert says how bad it is, and has its page, and each page its alert.
func TestAlertPages(t *testing.T) {
	var names []string
	for _, r := range rules(t) {
		names = append(names, r.Alert)
		page := "docs/alerts/" + r.Alert + ".md"
		if s := r.Labels["severity"]; s != "warning" && s != "critical" || r.For == "" || r.Annotations["summary"] == "" ||
			r.Annotations["description"] == "" || r.Annotations["runbook_url"] != page {
			t.Errorf("%+v", r)
		}
		text := string(read(t, filepath.Join("../..", page)))
		for _, part := range []string{"# " + r.Alert, "What it means.", "What viewers notice.", "What to look at.", "The mend.", r.Expr, "Severity: " + r.Labels["severity"] + ", after " + r.For} {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %q", page, part)
			}
		}
	}
	pages, err := filepath.Glob("../../docs/alerts/Spotter*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := strings.TrimSuffix(filepath.Base(page), ".md"); !slices.Contains(names, name) {
			t.Errorf("%s has no alert", page)
		}
	}
}

// promtool returns where scripts/setup-ops has put it, or another.
func promtool(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"../../.build/ops/promtool", "promtool"} {
		if found, err := exec.LookPath(path); err == nil {
			absolute, err := filepath.Abs(found)
			if err != nil {
				t.Fatal(err)
			}
			return absolute
		}
	}
	t.Skip("needs promtool: scripts/setup-ops")
	return ""
}

// TestRules has Prometheus's own tool check the rules, try each alert, and parse the dashboard's queries.
func TestRules(t *testing.T) {
	tool := promtool(t)
	queries := filepath.Join(t.TempDir(), "queries.yaml")
	var b strings.Builder
	b.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	n := 0
	for _, list := range panels(t) {
		for _, q := range list {
			n++
			q = strings.NewReplacer("$instance", ".*", "$media", ".*").Replace(q)
			fmt.Fprintf(&b, "      - {record: 'q:%d', expr: %q}\n", n, q)
		}
	}
	if err := os.WriteFile(queries, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "alerts.yaml"}, {"check", "rules", queries}, {"test", "rules", "alerts_test.yaml"}, {"check", "config", "--syntax-only", "prometheus.yaml"},
	} {
		cmd := exec.CommandContext(t.Context(), tool, args...)
		cmd.Dir = monitoring
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	// An alert that has no test is not known to fire.
	tested := string(read(t, filepath.Join(monitoring, "alerts_test.yaml")))
	for _, r := range rules(t) {
		if !strings.Contains(tested, r.Alert+" fires") || !strings.Contains(tested, r.Alert+" stays quiet") {
			t.Errorf("%s is not tried", r.Alert)
		}
	}
}
