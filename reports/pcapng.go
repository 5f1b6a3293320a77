// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// captureRemark is what a reader of a capture has to know about how it came to be.
const captureRemark = "Recorded at the sockets of rspthreat, below TLS. IP, UDP and TCP headers are reconstructed: " +
	"TCP handshakes, sequence numbers and acknowledgements were not seen on the wire. SCTP packets are as they were sent and received."

// writeCapture writes the frames of one check as a pcapng file: one section with a comment, the TLS secrets, the packets.
// path is where it will be, relative to the report.
func writeCapture(w io.Writer, path string, check *Check, c *Capture) error {
	comment := fmt.Sprintf("Check %s: %s\n%s\nOpen in the directory of the report with: %s",
		check.ID, check.Title, captureRemark, captureCommands(path)[0])
	ng, err := pcapgo.NewNgWriterInterface(w,
		pcapgo.NgInterface{Name: "rspthreat", LinkType: layers.LinkTypeRaw},
		pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{
			Application: generator,
			Comment:     cleanText(comment, maxComment),
		}})
	if err != nil {
		return err
	}
	if len(c.KeyLog) > 0 {
		if err := ng.WriteDecryptionSecretsBlock(pcapgo.DSB_SECRETS_TYPE_TLS, c.KeyLog); err != nil {
			return err
		}
	}
	p := packetWriter{ng: ng}
	p.flows = newTCPFlows(p.write)
	// Recorders run beside each other: their frames are put in the order of time, those of one instant as recorded.
	frames := slices.Clone(c.Frames)
	slices.SortStableFunc(frames, func(a, b Frame) int { return a.Time.Compare(b.Time) })
	for i := range frames {
		if err := p.frame(&frames[i]); err != nil {
			return fmt.Errorf("frame %d: %w", i, err)
		}
	}
	return ng.Flush()
}

// packetWriter writes packets with the time of the frame at hand.
type packetWriter struct {
	ng    *pcapgo.NgWriter
	flows *tcpFlows
	now   time.Time
}

func (p *packetWriter) frame(f *Frame) error {
	p.now = f.Time
	if f.Transport == "tcp" {
		return p.flows.add(f)
	}
	if f.Kind != FrameData {
		return nil // packets of SCTP tell themselves how an association opens and ends
	}
	data, comment := f.Data, f.Comment
	if len(data) > maxUDPPayload {
		data, comment = data[:maxUDPPayload], join(comment, fmt.Sprintf("cut to %d of %d bytes", maxUDPPayload, len(data)))
	}
	var packet []byte
	var err error
	if f.Transport == "sctp" {
		packet, err = sctpPacket(f.Src.Addr(), f.Dst.Addr(), data)
	} else {
		packet, err = udpPacket(f.Src, f.Dst, data)
	}
	if err != nil {
		return err
	}
	return p.write(packet, comment)
}

func (p *packetWriter) write(packet []byte, comment string) error {
	var o pcapgo.NgPacketOptions
	if comment != "" {
		o.Comments = []string{cleanText(comment, maxComment)}
	}
	ci := gopacket.CaptureInfo{Timestamp: p.now, CaptureLength: len(packet), Length: len(packet)}
	return p.ng.WritePacketWithOptions(ci, packet, o)
}
