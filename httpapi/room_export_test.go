package httpapi

// SetRoom changes what all long answers of a server together may take.
func SetRoom(s *Server, bytes int64) { s.room.bytes = bytes }
