// In the room's page before its own scripts: the power of both voices every 5 ms, on one clock.
(() => {
  if (!location.protocol.startsWith("http")) return;
  const heard = { clicked: null, at: [], mine: [], theirs: [] };
  window.heard = heard;
  const context = new AudioContext({ sampleRate: 48_000 });
  const both = new ChannelMergerNode(context, { numberOfInputs: 2 });
  const sources = [null, null];

  function hear(stream, side) {
    sources[side]?.disconnect();
    sources[side] = context.createMediaStreamSource(stream);
    sources[side].connect(both, 0, side);
  }

  const levels = `registerProcessor("levels", class extends AudioWorkletProcessor {
    power = [0, 0];
    counted = 0;
    ready = [];
    process([channels]) {
      for (let n = 0; n < 128; n++) {
        for (const side of [0, 1]) this.power[side] += (channels[side]?.[n] ?? 0) ** 2;
        if (++this.counted === 240) this.next();
      }
      return true;
    }
    next() {
      this.ready.push([Date.now(), this.power[0] / 240, this.power[1] / 240]);
      this.power = [0, 0];
      this.counted = 0;
      if (this.ready.length === 20) this.port.postMessage(this.ready.splice(0));
    }
  });`;
  const module = URL.createObjectURL(new Blob([levels], { type: "text/javascript" }));
  context.audioWorklet.addModule(module).then(() => {
    const meter = new AudioWorkletNode(context, "levels", { channelCount: 2 });
    meter.port.onmessage = ({ data }) => {
      for (const [at, mine, theirs] of data) {
        heard.at.push(at);
        heard.mine.push(mine);
        heard.theirs.push(theirs);
      }
    };
    both.connect(meter).connect(context.destination);
  });

  addEventListener("click", () => {
    heard.clicked ??= Date.now();
  }, { capture: true });

  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    if (stream.getAudioTracks().length) hear(stream, 0);
    return stream;
  };

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") hear(new MediaStream([track]), 1);
      });
    }
  };
})();
