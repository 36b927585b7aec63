//go:build !nocv

package opencv

/*
#include <malloc.h>

static void keep_memory(int trim, int map) {
	mallopt(M_TRIM_THRESHOLD, trim);
	mallopt(M_MMAP_THRESHOLD, map);
}
*/
import "C"

// keepBytes is how much freed memory the C allocator keeps for the next job; a 1080p job takes some 25 MB in buffers of
// 3 to 6 MB. glibc would give each back to the kernel, which clears every page anew: a fifth of all work.
const keepBytes = 32 << 20

// keepMemory sets the C allocator of the process.
func keepMemory() { C.keep_memory(keepBytes, keepBytes) }
