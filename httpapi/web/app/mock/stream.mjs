// A little live stream made by ffmpeg: colour bars with a running clock, as fMP4 with wall-clock times.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function startStream() {
  const folder = mkdtempSync(join(tmpdir(), "page-hls-"));
  let child = null;
  let closed = false;
  let part = 0;
  const run = () => {
    if (closed || child) return;
    child = spawn("ffmpeg", [
      "-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=size=480x270:rate=12",
      "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "12", "-threads", "1",
      "-f", "hls", "-hls_time", "1", "-hls_list_size", "60", "-hls_segment_type", "fmp4", "-hls_flags", "program_date_time+delete_segments+append_list+independent_segments",
      "-hls_fmp4_init_filename", `init${part}.mp4`, "-hls_segment_filename", join(folder, `s${part++}_%d.m4s`), join(folder, "index.m3u8"),
    ], { stdio: ["ignore", "ignore", "inherit"] });
    child.on("exit", () => (child = null));
  };
  run();
  return {
    folder,
    /** Pauses and goes on, as an encoder that fails does. */
    set running(yes) {
      if (yes) run();
      else child?.kill("SIGKILL");
    },
    close() {
      closed = true;
      child?.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Pictures for the strip: some few, made once, each of another hue. */
export async function makePictures() {
  const folder = mkdtempSync(join(tmpdir(), "page-pictures-"));
  const args = ["-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=1,hue=H=0.4*t", "-frames:v", "16", "-q:v", "6", join(folder, "%d.jpg")];
  await new Promise((resolve, reject) => spawn("ffmpeg", args, { stdio: ["ignore", "ignore", "inherit"] }).on("exit", code => (code ? reject(new Error(`ffmpeg: ${code}`)) : resolve())));
  return { folder, count: 16, close: () => rmSync(folder, { recursive: true, force: true }) };
}
