//go:build !nocv

package opencv

import (
	"math"

	"spotter/capture/container"
)

// What tone mapping aims at: content mastered for 1000 cd/m2, of which the diffuse white of 203 cd/m2 (Report ITU-R
// BT.2408, 2.1) is as bright as an SDR display gets.
const (
	sourcePeak = 1000.0 // cd/m2
	targetPeak = 203.0  // cd/m2
)

// Fixed-point scales of toneMap.
const (
	codes      = 1 << 12 // steps of a signal value from 0 to 1
	matrixBits = 14
	sceneBits  = 20 // of scene and display light of HLG, where 1 is sourcePeak
	greenLoss  = 1  // of 255, by swscale
	gainBits   = 12
	lightBits  = 16 // of light for the SDR display, where 1 is targetPeak
	lights     = 1<<lightBits + 1
)

// toneMap turns pictures in a wider transfer or gamut than BT.709's, as OpenCV hands them out, into SDR. It is exact but
// for the 8 bits that it gets: tables for the curves, and two matrices.
type toneMap struct {
	key    container.Shape // what it was made for, as toneKey says
	signal [9]int          // OpenCV's BGR to the signal's R'G'B' in codes
	offset [3]int
	decode [codes]int32 // code to light
	ootf   []int32      // HLG: Y to Y^0.2
	gain   []int32      // HLG: display light of sourcePeak to that of targetPeak
	gamut  [9]int       // linear primaries to BT.709's
	encode [lights]byte // light to SDR
}

// toneKey keeps of a shape what decides whether and how it is tone-mapped; the zero key is SDR as it is.
func toneKey(s container.Shape) container.Shape {
	if s.Transfer == container.TransferSDR && !s.WideGamut {
		return container.Shape{}
	}
	return container.Shape{Transfer: s.Transfer, WideGamut: s.WideGamut, FullRange: s.FullRange}
}

// newToneMap makes the tables, which takes a few milliseconds.
func newToneMap(key container.Shape) *toneMap {
	t := &toneMap{key: key}
	t.signal, t.offset = signalMatrix(key)
	t.gamut = fixed(identity, 1<<matrixBits)
	if key.WideGamut {
		t.gamut = fixed(bt2020to709, 1<<matrixBits)
	}
	scale, curve := float64(int(1)<<lightBits), func(v float64) float64 { return eetf(v) / targetPeak }
	switch key.Transfer {
	case container.TransferHLG:
		scale, curve = 1<<sceneBits, hlgScene
		t.ootf, t.gain = hlgTables()
	case container.TransferSDR:
		curve = func(v float64) float64 { return math.Pow(v, 2.4) } // Rec. ITU-R BT.1886
	}
	for i := range t.decode {
		t.decode[i] = int32(math.Round(scale * curve(float64(i)/(codes-1))))
	}
	for i := range t.encode {
		t.encode[i] = byte(math.Round(255 * math.Pow(float64(i)/(lights-1), 1/2.4))) // Rec. ITU-R BT.1886
	}
	return t
}

// hlgTables returns the tables of the OOTF with a system gamma of 1.2, which is meant for sourcePeak (Rec. ITU-R BT.2100,
// table 5), and of the gain from there to targetPeak.
func hlgTables() (ootf, gain []int32) {
	ootf, gain = make([]int32, codes+1), make([]int32, codes+1)
	for i := range ootf {
		light := (float64(i) + 0.5) / codes
		ootf[i] = int32(math.Round(math.Pow(light, 0.2) * (1 << gainBits)))
		gain[i] = int32(math.Round(eetf(pqSignal(light*sourcePeak)) / (light * targetPeak) * (1 << gainBits)))
	}
	return ootf, gain
}

// apply maps the pixels of a BGR picture in place.
func (t *toneMap) apply(bgr []byte) {
	m, g, off := t.signal, t.gamut, t.offset
	for ; len(bgr) >= 3; bgr = bgr[3:] {
		b, gr, r := int(bgr[0]), int(bgr[1]), int(bgr[2])
		x := t.linear(m[0]*r + m[1]*gr + m[2]*b + off[0])
		y := t.linear(m[3]*r + m[4]*gr + m[5]*b + off[1])
		z := t.linear(m[6]*r + m[7]*gr + m[8]*b + off[2])
		if t.ootf != nil {
			x, y, z = t.display(x, y, z)
		}
		bgr[2] = t.encode[min(max(0, (g[0]*x+g[1]*y+g[2]*z)>>matrixBits), lights-1)]
		bgr[1] = t.encode[min(max(0, (g[3]*x+g[4]*y+g[5]*z)>>matrixBits), lights-1)]
		bgr[0] = t.encode[min(max(0, (g[6]*x+g[7]*y+g[8]*z)>>matrixBits), lights-1)]
	}
}

func (t *toneMap) linear(signal int) int {
	return int(t.decode[min(max(0, signal>>matrixBits), codes-1)])
}

// display applies the OOTF to the scene's light, and to each colour the gain to targetPeak.
func (t *toneMap) display(r, g, b int) (x, y, z int) {
	luminance := (269*r + 694*g + 61*b) >> 10 // Rec. ITU-R BT.2100, table 5
	f := int(t.ootf[luminance>>(sceneBits-12)])
	r, g, b = r*f>>gainBits, g*f>>gainBits, b*f>>gainBits
	const down = gainBits + sceneBits - lightBits
	x = r * int(t.gain[min(r>>(sceneBits-12), codes)]) >> down
	y = g * int(t.gain[min(g>>(sceneBits-12), codes)]) >> down
	z = b * int(t.gain[min(b>>(sceneBits-12), codes)]) >> down
	return x, y, z
}

// Constants of SMPTE ST 2084 (Rec. ITU-R BT.2100, table 4).
const (
	pqM1 = 2610.0 / 16384
	pqM2 = 2523.0 / 4096 * 128
	pqC1 = 3424.0 / 4096
	pqC2 = 2413.0 / 4096 * 32
	pqC3 = 2392.0 / 4096 * 32
)

// pqLight returns the cd/m2 of a PQ signal from 0 to 1.
func pqLight(signal float64) float64 {
	v := math.Pow(signal, 1/pqM2)
	return 10000 * math.Pow(max(0, v-pqC1)/(pqC2-pqC3*v), 1/pqM1)
}

// pqSignal is the inverse of pqLight.
func pqSignal(light float64) float64 {
	v := math.Pow(light/10000, pqM1)
	return math.Pow((pqC1+pqC2*v)/(1+pqC3*v), pqM2)
}

// hlgScene returns the scene's light, from 0 to 1, of an HLG signal from 0 to 1: the inverse OETF of Rec. ITU-R BT.2100,
// table 5.
func hlgScene(signal float64) float64 {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	if signal <= 0.5 {
		return signal * signal / 3
	}
	return min(1, (math.Exp((signal-c)/a)+b)/12)
}

// eetf returns the cd/m2 that a PQ signal gets on a display of targetPeak with no black of its own: a straight line up to a
// knee, and a Hermite spline from there to sourcePeak (Report ITU-R BT.2390, section 5.4.1).
func eetf(signal float64) float64 {
	white := pqSignal(sourcePeak)
	peak := pqSignal(targetPeak) / white
	knee := 1.5*peak - 0.5
	e := min(1, signal/white)
	if e > knee {
		t := (e - knee) / (1 - knee)
		t2, t3 := t*t, t*t*t
		e = (2*t3-3*t2+1)*knee + (t3-2*t2+t)*(1-knee) + (3*t2-2*t3)*peak
	}
	return pqLight(e * white)
}

type matrix [9]float64

var (
	identity = matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}
	// bt2020to709 is for linear light (Rec. ITU-R BT.2087, section 2 backwards).
	bt2020to709 = matrix{1.660491, -0.587641, -0.072850, -0.124550, 1.132900, -0.008349, -0.018151, -0.100579, 1.118730}
)

// signalMatrix returns the way from OpenCV's RGB to the signal's own: back to Y'CbCr by the BT.601 coefficients and the
// limited range that swscale takes every 10-bit picture for, and forth by the right ones. Its green is too dark: by 0.3 to
// 1.9 of 255, mostly by rounding.
func signalMatrix(key container.Shape) (m [9]int, offset [3]int) {
	kr, kb := 0.2126, 0.0722 // Rec. ITU-R BT.709
	if key.WideGamut {
		kr, kb = 0.2627, 0.0593 // Rec. ITU-R BT.2020
	}
	luma, chroma, black := 1.0, 1.0, 0.0
	if key.FullRange { // Y' was stretched from 16..235, Cb and Cr from 16..240
		luma, chroma, black = 219.0/255, 224.0/255, 16.0/255
	}
	back := toYCC(0.299, 0.114)
	for i := range 3 {
		back[i], back[3+i], back[6+i] = back[i]*luma, back[3+i]*chroma, back[6+i]*chroma
	}
	forth := matrix{
		1, 0, 2 * (1 - kr),
		1, -2 * kb * (1 - kb) / (1 - kr - kb), -2 * kr * (1 - kr) / (1 - kr - kb),
		1, 2 * (1 - kb), 0,
	}
	const scale = (codes - 1) * (1 << matrixBits)
	m = fixed(forth.times(back), scale/255)
	for i := range offset {
		offset[i] = int(math.Round(black*scale)) + 1<<(matrixBits-1) + m[3*i+1]*greenLoss
	}
	return m, offset
}

// toYCC is the matrix from R'G'B' to Y'CbCr with luma coefficients kr and kb (Rec. ITU-T H.273, section 8.3).
func toYCC(kr, kb float64) matrix {
	kg := 1 - kr - kb
	u, v := 2*(1-kb), 2*(1-kr)
	return matrix{kr, kg, kb, -kr / u, -kg / u, 0.5, 0.5, -kg / v, -kb / v}
}

func (m matrix) times(n matrix) (out matrix) {
	for i := range 9 {
		row, col := i/3*3, i%3
		out[i] = m[row]*n[col] + m[row+1]*n[3+col] + m[row+2]*n[6+col]
	}
	return out
}

// fixed scales a matrix to integers.
func fixed(m matrix, scale float64) (out [9]int) {
	for i, v := range m {
		out[i] = int(math.Round(v * scale))
	}
	return out
}
