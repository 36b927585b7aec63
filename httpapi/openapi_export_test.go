package httpapi

import "strings"

// Routes returns the path patterns of a server, each with its methods, as OpenAPI writes them.
func Routes(s *Server) map[string][]string {
	routes := make(map[string][]string)
	for method, patterns := range s.router.List() {
		for _, pattern := range patterns {
			pattern = strings.ReplaceAll(pattern, ":*}", "}")
			routes[pattern] = append(routes[pattern], method)
		}
	}
	return routes
}
