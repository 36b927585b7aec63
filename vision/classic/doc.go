// Package classic owns recognition by OpenCV's own Haar cascades: the objects Face and Person, with nothing to download.
package classic

// DefaultFolder is where Debian's opencv-data package puts the cascades.
const DefaultFolder = "/usr/share/opencv4/haarcascades"
