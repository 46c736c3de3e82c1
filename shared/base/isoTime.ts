// ISO-8601 instants <-> milliseconds since 1970, in the proleptic Gregorian calendar, for years 0000 to
// 9999.
// Refuses dates that do not exist, times without an offset from UTC, and anything but digits where digits
// belong.
// Fractions beyond a millisecond are cut off, as Kafka's clock has no finer ones.

const instant =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])(\d{2}):?(\d{2}))$/

const dayMs = 86_400_000
const hourMs = 3_600_000
const minuteMs = 60_000

/** undefined: not an instant. */
export function parseIsoInstant(text: string): number | undefined {
  const match = instant.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(toNumber)
  const millisecond = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const offsetMs = toOffsetMs(match[8], toNumber(match[9]), toNumber(match[10]))
  if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 59) return undefined
  if (offsetMs === undefined) return undefined
  const clockMs = hour * hourMs + minute * minuteMs + second * 1000 + millisecond
  return daysSince1970(year, month, day) * dayMs + clockMs - offsetMs
}

function toNumber(digits: string | undefined): number {
  return Number(digits ?? 0)
}

/** Eighteen hours are the most that ISO-8601 libraries take. */
function toOffsetMs(sign: string | undefined, hours: number, minutes: number): number | undefined {
  if (hours > 18 || minutes > 59) return undefined
  return (hours * hourMs + minutes * minuteMs) * (sign === '-' ? -1 : 1)
}

/** Milliseconds only where there are any: 2021-02-05T19:14:42Z. */
export function formatIsoInstant(timestamp: number): string {
  const days = Math.floor(timestamp / dayMs)
  const clockMs = timestamp - days * dayMs
  const { year, month, day } = dateOf(days)
  const hour = Math.floor(clockMs / hourMs)
  const minute = Math.floor(clockMs / minuteMs) % 60
  const second = Math.floor(clockMs / 1000) % 60
  const millisecond = clockMs % 1000
  const fraction = millisecond === 0 ? '' : `.${pad(millisecond, 3)}`
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
  return `${date}T${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${fraction}Z`
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return day <= days
}

// Years are counted from March, so that the leap day is a year's last; 400 years are 146,097 days, and
// 0000-03-01 is 719,468 days before 1970.
const eraDays = 146_097
const epochDay = 719_468

function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * eraDays + yearOfEra * 365 + leapDays + dayOfYear - epochDay
}

function dateOf(daysSinceEpoch: number): { year: number; month: number; day: number } {
  const days = daysSinceEpoch + epochDay
  const era = Math.floor(days / eraDays)
  const dayOfEra = days - era * eraDays
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / (eraDays - 1))
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = ((marchMonth + 2) % 12) + 1
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}
