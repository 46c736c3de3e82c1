// What the demo sends: three data sets of the vega-datasets package, as records with a key, a JSON value
// and the time that the data names. The 200,000 delays name no airport, so the distance flown is their
// key.

import { readFile } from 'node:fs/promises'

export interface DemoRecord {
  readonly key: string
  /** JSON text without white space: the bytes that the log is to hold. */
  readonly value: string
  readonly timestamp: number
}

interface Flight {
  readonly date: string
  readonly origin: string
}

interface Delay {
  readonly distance: number
  /** Of departure, in hours since midnight. */
  readonly time: number
}

interface Earthquakes {
  readonly features: readonly { readonly properties: { readonly place: string; readonly time: number } }[]
}

/** US departures of January to March 2001, by the airport they left from. */
export async function loadFlights(recordsMax: number): Promise<readonly DemoRecord[]> {
  const flights: readonly Flight[] = JSON.parse(await readData('flights-20k.json'))
  return flights.slice(0, recordsMax).map((flight) => ({
    key: flight.origin,
    value: JSON.stringify(flight),
    timestamp: parseDate(flight.date),
  }))
}

export async function loadDelays(recordsMax: number): Promise<readonly DemoRecord[]> {
  const delays: readonly Delay[] = JSON.parse(await readData('flights-200k.json'))
  const midnight = Date.UTC(2001, 0, 1)
  return delays.slice(0, recordsMax).map((delay) => ({
    key: String(delay.distance),
    value: JSON.stringify(delay),
    timestamp: midnight + Math.round(delay.time * 3_600_000),
  }))
}

/** A week of earthquakes, by place. */
export async function loadEarthquakes(recordsMax: number): Promise<readonly DemoRecord[]> {
  const { features }: Earthquakes = JSON.parse(await readData('earthquakes.json'))
  return features.slice(0, recordsMax).map((feature) => ({
    key: feature.properties.place,
    value: JSON.stringify(feature),
    timestamp: feature.properties.time,
  }))
}

// The package exports its code alone; the data lie beside it.
function readData(name: string): Promise<string> {
  return readFile(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')), 'utf8')
}

/** "2001/01/01 00:47", taken for UTC. */
function parseDate(text: string): number {
  const timestamp = Date.parse(`${text.replaceAll('/', '-').replace(' ', 'T')}:00Z`)
  if (Number.isInteger(timestamp)) return timestamp
  throw new Error(`${JSON.stringify(text)} is no date`)
}
