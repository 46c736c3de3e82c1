// CRC-32C against the vectors of RFC 3720, Kafka and librdkafka, and against the definition, bit by bit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from '../../../shared/base/crc32c.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const zlibLicence = `  This software is provided 'as-is', without any express or implied
  warranty.  In no event will the author be held liable for any damages
  arising from the use of this software.

  Permission is granted to anyone to use this software for any purpose,
  including commercial applications, and to alter it and redistribute it
  freely, subject to the following restrictions:

  1. The origin of this software must not be misrepresented; you must not
     claim that you wrote the original software. If you use this software
     in a product, an acknowledgment in the product documentation would be
     appreciated but is not required.
  2. Altered source versions must be plainly marked as such, and must not be
     misrepresented as being the original software.
  3. This notice may not be removed or altered from any source distribution.`

function bitByBit(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('the published vectors give the published checksums', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index)
  assert.equal(crc32c(new Uint8Array(0)), 0)
  assert.equal(crc32c(utf8('123456789')), 0xe3069283)
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  assert.equal(crc32c(ascending), 0x46dd794e)
  assert.equal(crc32c(ascending.toReversed()), 0x113fdb5c)
  assert.equal(crc32c(new Uint8Array(1)), 1383945041)
  assert.equal(crc32c(utf8('Some String')), 608512271)
  assert.equal(crc32c(utf8(zlibLicence)), 0x7dcde113)
})

test('any stretch of any bytes has the checksum of the definition', () => {
  const input = fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 40 }), fc.nat({ max: 40 }))
  fc.assert(
    fc.property(input, ([bytes, skipped, left]) => {
      const start = Math.min(skipped, bytes.length)
      const end = Math.max(start, bytes.length - left)
      assert.equal(crc32c(bytes, start, end), bitByBit(bytes.slice(start, end)))
      assert.equal(crc32c(bytes.subarray(start), 0, end - start), bitByBit(bytes.slice(start, end)))
    }),
  )
})

test('long input, which takes lanes side by side, has the checksum of the definition', () => {
  const bytes = Uint8Array.from({ length: 9000 }, (_, index) => (index * 2_654_435_761) >>> 24)
  for (const start of [0, 1, 21]) {
    for (const end of [2047, 2048, 2049, 2069, 4096, 4117, 6150, 9000]) {
      assert.equal(crc32c(bytes, start, end), bitByBit(bytes.subarray(start, end)), `${start} to ${end}`)
    }
  }
})
