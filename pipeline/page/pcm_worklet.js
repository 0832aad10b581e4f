// Runs on the browser's audio thread: turns what the microphone gives into samples of 16 bits at 16 kHz.

const RATE = 16000;
const PIECE = RATE / 10;

class PcmWorklet extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Int16Array(PIECE);
    this.filled = 0;
    this.loudest = 0;
    // Input samples for each of ours, and where the next of ours lies among those of this block.
    this.step = sampleRate / RATE;
    this.next = 0;
    this.sum = 0;
    this.count = 0;
  }

  process([channels]) {
    if (!channels || channels.length === 0) return true;
    const length = channels[0].length;
    for (let at = 0; at < length; at++) {
      let sample = 0;
      for (const channel of channels) sample += channel[at];
      // The mean of the samples that make one of ours: enough against what lies above 8 kHz, where speech is faint.
      this.sum += sample / channels.length;
      this.count += 1;
      this.next += 1;
      if (this.next >= this.step) {
        this.next -= this.step;
        this.put(this.sum / this.count);
        this.sum = this.count = 0;
      }
    }
    return true;
  }

  put(sample) {
    const clean = Math.max(-1, Math.min(1, sample));
    this.loudest = Math.max(this.loudest, Math.abs(clean));
    this.piece[this.filled++] = Math.round(clean * 32767);
    if (this.filled < PIECE) return;
    this.port.postMessage({ samples: this.piece, loudest: this.loudest }, [this.piece.buffer]);
    this.piece = new Int16Array(PIECE);
    this.filled = 0;
    this.loudest = 0;
  }
}

registerProcessor("pcm", PcmWorklet);
