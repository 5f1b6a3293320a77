// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// screenshots is where TestScreenshots writes to; without it, it only makes sure that they are small.
var screenshots = flag.String("screenshots", "", "`directory` for the screenshots of the README")

// pictured is the report that the screenshots show: the README's come from a run, those of the test from the specimen.
var pictured = flag.String("report", "", "absolute `path` of the index.html that the screenshots show (default: made up)")

// maxScreenshot is in bytes: a README is read over slow lines, too.
const maxScreenshot = 150_000

// TestScreenshots makes the pictures of the main views (make screenshots).
func TestScreenshots(t *testing.T) {
	dir := *screenshots
	if dir == "" {
		dir = t.TempDir()
	}
	page := "file://" + *pictured
	if *pictured == "" {
		_, page = write(t, specimen(t, 400))
	}
	light := open(t, page, 1400, 900, scheme("light"))
	light.shoot(t, dir, "report.png")
	light.run(t, `location.hash = "threat-2.1"`)
	light.shoot(t, dir, "report-threat.png")
	light.run(t, `location.hash = document.querySelector("details.check.fail, details.check[open]").id`)
	light.run(t, `document.querySelector("details.check:target .space").scrollIntoView()`)
	light.shoot(t, dir, "report-ladder.png")
	dark := open(t, page, 1400, 900, scheme("dark"))
	dark.run(t, `openMessage(document.querySelector("details.check[open]"), 3); lightUp(20, 4, document.querySelectorAll("#message .field")[4])`)
	dark.shoot(t, dir, "report-message.png")
	phone := open(t, page, 400, 860, scheme("light"))
	phone.run(t, `document.querySelector("#run").scrollIntoView()`)
	phone.shoot(t, dir, "report-phone.png")
}

// shoot writes what is in sight, with as many colours as a PNG with a palette has: a page needs few.
func (b *tab) shoot(t testing.TB, dir, name string) {
	t.Helper()
	shot, err := chromedp.Run(b.Context, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, reduce(picture)); err != nil {
		t.Fatal(err)
	}
	if out.Len() > maxScreenshot {
		t.Errorf("%s: %d bytes", name, out.Len())
	}
	if err := os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reduce draws a picture with its most frequent colours.
func reduce(in image.Image) *image.Paletted {
	const colours = 256
	count := map[color.RGBA]int{}
	bounds := in.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[color.RGBAModel.Convert(in.At(x, y)).(color.RGBA)]++
		}
	}
	all := make([]color.RGBA, 0, len(count))
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return int(a.R)<<16 + int(a.G)<<8 + int(a.B) - int(b.R)<<16 - int(b.G)<<8 - int(b.B)
	})
	palette := make(color.Palette, 0, colours)
	for _, c := range all[:min(colours, len(all))] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(bounds, palette)
	draw.Draw(out, bounds, in, bounds.Min, draw.Src)
	return out
}
