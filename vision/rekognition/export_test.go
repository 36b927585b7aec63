package rekognition

import "time"

// SetClock has r rest from S3 by another clock.
func (r *Recognizer) SetClock(now func() time.Time) { r.objects.now = now }
