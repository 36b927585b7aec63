// A made event: who was seen when, the same each time it is made.

/** Random numbers from a seed (mulberry32), so that two runs agree. */
export function dice(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const firsts = ["Ada", "Bruno", "Chiara", "Dilan", "Edda", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lior", "Mara", "Noor", "Otis", "Pia", "Quinn", "Rosa", "Sami", "Thea"];
const lasts = ["Almond", "Brook", "Castellane", "Dorn", "Ekwueme", "Ferrer"];
const things = ["Person", "Couch", "Microphone", "Football", "Flag", "Car", "Stage", "Guitar", "Desk", "Chair", "Crowd", "Banner", "Trophy", "Camera", "Lamp",
  "Bottle", "Scarf", "Screen", "Piano", "Horse", "Tree", "Bench", "Drum", "Helmet", "Hat", "Glass", "Door", "Stairs", "Bicycle", "Boat"];

export const people = Array.from({ length: 30 }, (_, i) => ({ name: `${firsts[i % firsts.length]} ${lasts[(i * 7) % lasts.length]}`, id: `p${i + 1}` }));
export const objects = things.map(name => ({ name }));

const round = (value, unit) => Math.round(value * unit) / unit;

/** One observation that begins at a position. */
export function observe(media, from, until, random, scene) {
  const cloud = random() < 0.85;
  const pick = (list, n) => {
    const chosen = new Map();
    // Who is on stays on for some minutes: the scene's number leads to the same few.
    for (let i = 0; i < n; i++) {
      const one = list[Math.floor(Math.abs(Math.sin(Math.floor(scene / 90) * 12.9898 + i * 78.233)) * list.length * 0.999 + (random() < 0.15 ? random() * 5 : 0)) % list.length];
      chosen.set(one.name, { ...one, confidence: round((cloud ? 86 : 55) + random() * (cloud ? 13.9 : 40), 10) });
    }
    return [...chosen.values()];
  };
  return {
    media, from: round(from, 1000), until: round(until, 1000), source: cloud ? "rekognition" : "onnx", revision: 1,
    celebrities: pick(people, random() < 0.2 ? 0 : 3), objects: pick(objects, 5),
  };
}

/** Where in the picture of an observation is who. */
export const boxesOf = ({ from, celebrities }) => celebrities.map((entity, i) => (
  { ...entity, kind: "celebrity", left: round(0.08 + 0.2 * i + 0.05 * Math.abs(Math.sin(from)), 1000), top: round(0.15 + 0.2 * Math.abs(Math.cos(from + i)), 1000), width: 0.14, height: 0.3 }));

/** Stretches that were not analysed, and one that was, in which nothing was observed. */
export const gaps = [[9_300, 9_620], [20_000, 20_045], [33_100, 33_700]];
const quiet = [25_000, 25_400];

/** An event of so many observations up to a position, with gaps and breaks in it. */
export function makeEvent(media, until, count, seed = 7) {
  const random = dice(seed);
  const length = until / count;
  const observations = [];
  for (let n = 0; n < count; n++) {
    const from = n * length;
    if (until > 3600 && [...gaps, quiet].some(([a, b]) => from >= a && from < b)) continue;
    observations.push(observe(media, from, from + length, random, n));
  }
  const breaks = [];
  for (let at = 1_500; at + 180 < until; at += 2_700) breaks.push({ id: `b${at}`, from: at, until: at + 150, open: false, skipped: at % 5_400 === 1_500 });
  return { observations, breaks };
}
