// The browser's microphone as samples of 16 bits at 16 kHz.

/** Asks for the microphone and calls `heard` with each tenth of a second: its samples, and how loud it was, 0 to 1. */
export async function openMicrophone(heard) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
  // Browsers resample better than our worklet, but not all of them do.
  const context = await listen(stream, { sampleRate: 16000 }, heard).catch(() => listen(stream, {}, heard)).catch((error) => {
    stop(stream);
    throw error;
  });
  return { close: () => (stop(stream), context.close()) };
}

async function listen(stream, options, heard) {
  const context = new AudioContext(options);
  try {
    await context.audioWorklet.addModule("/page/pcm_worklet.js");
    const worklet = new AudioWorkletNode(context, "pcm", { numberOfOutputs: 0 });
    worklet.port.onmessage = ({ data }) => heard(data.samples, data.loudest);
    context.createMediaStreamSource(stream).connect(worklet);
    await context.resume();
    return context;
  } catch (error) {
    context.close();
    throw error;
  }
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}
