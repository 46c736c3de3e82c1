// The codecs: round trips, frames of the reference implementations, damage, bombs. Every output is bounded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { viewOf } from '../../../shared/base/bytes.ts'
import { type Codec, codecBits, codecOf, compress, decompress } from '../../../shared/kafka/compression.ts'
import { xxHash32 } from '../../../shared/kafka/xxhash32.ts'
import { codecs, concat, fromHex, refused, succeedsOrRefuses, toHex, utf8 } from './vectors.ts'

const compressing = codecs.filter((codec) => codec !== 'none')
const bound = 1 << 20
const malformed = ['CORRUPT_MESSAGE', 'INVALID_RECORD'] as const
const sentence = 'Kafka Kafka Kafka, the log of logs; the log of logs, Kafka.'

/** Frames of the reference implementation: linked blocks, checksums of blocks and content, content size. */
const fullFrame =
  '04224d187c403b00000000000000da26000000674b61666b61200600c02c20746865206c6f67206f6607002c733b1100' +
  '802c204b61666b612ee11be156000000006431c21d'
/** Two linked blocks, of which the second begins with a match into the first. */
const linkedFrame =
  `04224d1844405e0e0100004f616263640400${'ff'.repeat(256)}e45064616263640a0000000f04004c506461626364` +
  '00000000791bd76a'

/** Bytes with matches near and far, runs and noise. */
const anyContent = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 6 }),
    fc.infiniteStream(fc.nat({ max: 5 })),
  )
  .chain(([words, picks]) =>
    fc.nat({ max: 400 }).map((count) => {
      const chosen = Array.from({ length: count }, () => words[(picks.next().value ?? 0) % words.length])
      return concat(...chosen.map((word) => word ?? new Uint8Array(0)))
    }),
  )

function noise(length: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 24
  })
}

test('codecs are numbered as in the attributes of a batch', () => {
  assert.deepEqual(codecs.map(codecBits), [0, 1, 2, 3, 4])
  for (const codec of codecs) assert.equal(codecOf(codecBits(codec) | 0x18), codec)
  for (const bits of [5, 6, 7]) {
    refused('UNSUPPORTED_COMPRESSION_TYPE', new RegExp(`codec ${bits}`), () => codecOf(bits))
  }
})

test('content of every kind comes back from every codec, at a bound of exactly its size', () => {
  fc.assert(
    fc.property(anyContent, fc.constantFrom(...codecs), (content, codec) => {
      assert.deepEqual(decompress(codec, compress(codec, content), content.length), content)
    }),
  )
})

test('sizes around the block sizes come back, runs as well as noise', () => {
  for (const size of [0, 1, 4, 12, 13, 14, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 200_000]) {
    for (const content of [new Uint8Array(size), noise(size)]) {
      for (const codec of compressing) {
        const compressed = compress(codec, content)
        assert.ok(Buffer.from(decompress(codec, compressed, size)).equals(content), `${codec} ${size}`)
        assert.ok(
          compressed.length <= size + size / 200 + 64,
          `${codec} makes ${size} bytes ${compressed.length}`,
        )
      }
    }
  }
})

test('long runs of any period come back', () => {
  for (const period of [1, 2, 3, 7, 63, 64, 65, 200, 511, 512, 513, 1000, 3000]) {
    const word = noise(period)
    for (const size of [period + 500, period + 513, 4 * period + 511, 20_000]) {
      const content = Uint8Array.from({ length: size }, (_, i) => word[i % period] ?? 0)
      for (const codec of compressing) {
        const back = decompress(codec, compress(codec, content), size)
        assert.ok(Buffer.from(back).equals(content), `${codec}, ${size} bytes of period ${period}`)
      }
    }
  }
})

test('what is smaller by one byte than the content is refused as too large', () => {
  for (const codec of codecs) {
    const compressed = compress(codec, utf8(sentence))
    refused('INVALID_RECORD', /larger than 58 bytes/, () => decompress(codec, compressed, 58))
    refused('INVALID_RECORD', /larger than 0 bytes/, () => decompress(codec, compressed, 0))
  }
})

test('the level decides how much gzip and zstd compress', () => {
  const content = concat(...Array.from({ length: 60 }, (_, index) => noise(300).subarray(index, index + 200)))
  for (const [codec, low, high] of [
    ['gzip', 1, 9],
    ['zstd', -50, 19],
  ] as const) {
    const sizes = [low, high].map((level) => compress(codec, content, level).length)
    assert.ok((sizes[0] ?? 0) > (sizes[1] ?? 0), `${codec}: ${sizes}`)
  }
})

test('lz4 frames of the reference implementation are read, whichever features they use', () => {
  const frames: readonly (readonly [string, Uint8Array])[] = [
    [fullFrame, utf8(sentence)],
    [linkedFrame, new Uint8Array(Buffer.alloc(65_636, 'abcd'))],
    // A stored block with its checksum.
    ['04224d187440bd0d0000806e6f206d617463682068657265d4d411d000000000d4d411d0', utf8('no match here')],
    // No checksum but the header's.
    ['04224d186040820d0000806e6f206d61746368206865726500000000', utf8('no match here')],
  ]
  for (const [frame, content] of frames) {
    assert.deepEqual(decompress('lz4', fromHex(frame), content.length), content)
  }
})

test('lz4 is written as independent blocks of 64 KiB with the header that Kafka writes', () => {
  const frame = compress('lz4', utf8('no match here'))
  assert.equal(toHex(frame), '04224d186040820d0000806e6f206d61746368206865726500000000')
})

test('a match from an independent lz4 block into the block before is refused', () => {
  const linked = fromHex(linkedFrame)
  linked[4] = 0x64
  linked[6] = (xxHash32(linked, 4, 6) >>> 8) & 0xff
  refused('CORRUPT_MESSAGE', /a match begins outside/, () => decompress('lz4', linked, bound))
})

test('damaged lz4 frames are refused with the part that is damaged', () => {
  const frame = fromHex(fullFrame)
  const cases = [
    [0, /there is no frame/],
    [4, /unknown version|unknown feature|header checksum|truncated/],
    [5, /block descriptor/],
    [6, /header checksum/],
    [14, /header checksum/],
    [25, /block checksum/],
    [frame.length - 1, /content checksum/],
  ] as const
  for (const [position, message] of cases) {
    const damaged = frame.slice()
    damaged[position] = (damaged[position] ?? 0) ^ 0x81
    refused('CORRUPT_MESSAGE', message, () => decompress('lz4', damaged, bound))
  }
  refused('CORRUPT_MESSAGE', /does not end with its data/, () =>
    decompress('lz4', concat(frame, fromHex('00')), bound),
  )
})

test('a content size that is wrong is refused, and one that is absurd allocates nothing', () => {
  const frame = fromHex(`04224d1868400000000000000000${'00'}0d0000806e6f206d61746368206865726500000000`)
  for (const size of [0n, 12n, 14n, 2n ** 62n]) {
    viewOf(frame).setBigUint64(6, size, true)
    frame[14] = (xxHash32(frame, 4, 14) >>> 8) & 0xff
    refused('CORRUPT_MESSAGE', /content size is wrong/, () => decompress('lz4', frame, bound))
  }
})

test('snappy is written in the framing of xerial and read also as one bare block', () => {
  const framed = compress('snappy', utf8('no match here'))
  assert.equal(toHex(framed), '82534e415050590000000001000000010000000f0d306e6f206d617463682068657265')
  const bare = fromHex('3b144b61666b61201d062c2c20746865206c6f67206f66010704733b3e11001c2c204b61666b612e')
  assert.deepEqual(decompress('snappy', bare, 59), utf8(sentence))
})

test('every kind of snappy element is read', () => {
  const literal = Uint8Array.from({ length: 800 }, (_, index) => index)
  const copies = [
    { element: '0b20030000', content: [0, 1, 2] },
    { element: '120100', content: [2, 2, 2, 2, 2] },
    { element: '2d01', content: [39, 40, 41, 42, 43, 44, 45] },
  ]
  const elements = concat(fromHex('f41f03'), literal, ...copies.map((copy) => fromHex(copy.element)))
  const content = concat(literal, ...copies.map((copy) => Uint8Array.from(copy.content)))
  assert.equal(content.length, 815)
  assert.deepEqual(decompress('snappy', concat(fromHex('af06'), elements), 815), content)
  refused('CORRUPT_MESSAGE', /exceeds the plain length/, () =>
    decompress('snappy', concat(fromHex('ae06'), elements), 815),
  )
  refused('CORRUPT_MESSAGE', /shorter than its plain length/, () =>
    decompress('snappy', concat(fromHex('b006'), elements), 1000),
  )
})

test('damaged snappy is refused with the part that is damaged', () => {
  const cases = [
    ['', /plain length/],
    ['ffffffffff', /plain length/],
    ['ffffffff0f', /plain length/],
    ['0500', /shorter|exceeds|truncated/],
    ['0110', /truncated|exceeds/],
    ['0201', /truncated/],
    ['04010100', /exceeds|outside/],
    ['0400610101', /outside|exceeds/],
    ['05006101', /truncated/],
    ['0500610100', /outside/],
    ['82534e4150505900', /frame header/],
    ['82534e41505059000000000100000002', /unknown version/],
    ['82534e4150505900000000010000000100', /block length is truncated/],
    ['82534e4150505900000000010000000100000000', /out of range/],
    ['82534e41505059000000000100000001ffffffff', /out of range/],
    ['82534e415050590000000001000000010000000403', /out of range/],
  ] as const
  for (const [hex, message] of cases) {
    refused('CORRUPT_MESSAGE', message, () => decompress('snappy', fromHex(hex), bound))
  }
})

test('what follows the first zstd or gzip frame is refused, because other readers would read on', () => {
  for (const codec of ['zstd', 'gzip'] as const) {
    const frame = compress(codec, utf8(sentence))
    refused('CORRUPT_MESSAGE', /more bytes follow|malformed/, () =>
      decompress(codec, concat(frame, new Uint8Array(9)), bound),
    )
  }
  const frame = compress('zstd', utf8(sentence))
  refused('CORRUPT_MESSAGE', /more bytes follow/, () => decompress('zstd', concat(frame, frame), bound))
})

test('every prefix of compressed data is refused', () => {
  for (const codec of compressing) {
    const compressed = compress(codec, utf8(sentence.repeat(3)))
    for (let length = 0; length < compressed.length; length++) {
      if (codec === 'snappy' && length === 16) continue
      refused(malformed, /./, () => decompress(codec, compressed.slice(0, length), bound))
    }
  }
})

test('a bomb is stopped at the bound, and little more than the bound is allocated', () => {
  const bombSize = 256 * 1024 * 1024
  const content = new Uint8Array(bombSize)
  const bombs: readonly (readonly [Codec, Uint8Array])[] = [
    ['gzip', compress('gzip', content, 1)],
    ['zstd', compress('zstd', content, 1)],
    ['lz4', compress('lz4', content)],
    ['snappy', compress('snappy', content)],
  ]
  for (const [codec, bomb] of bombs) {
    const before = process.memoryUsage().arrayBuffers
    refused('INVALID_RECORD', /larger than 1048576 bytes/, () => decompress(codec, bomb, bound))
    const grown = process.memoryUsage().arrayBuffers - before
    assert.ok(grown < 4 * bound, `${codec} allocates ${grown} bytes`)
  }
})

test('declared sizes allocate nothing that the data cannot fill', () => {
  // A bare snappy block that says 1 GiB in nine bytes.
  refused('CORRUPT_MESSAGE', /plain length/, () =>
    decompress('snappy', fromHex('808080800400616161'), 2 ** 31),
  )
})

test('what gzip and zstd decompress is gathered once, in memory of its own size', () => {
  const bytesMax = 8 * 1024 * 1024
  for (const size of [1, 100, 255, 256, 70_000, 5_000_000]) {
    const content = new Uint8Array(size).fill(7)
    for (const codec of ['gzip', 'zstd'] as const) {
      const found = decompress(codec, compress(codec, content), bytesMax)
      assert.deepEqual(found, content)
      assert.equal(found.buffer.byteLength, Math.max(64 * 1024, size + 1), `${codec}, ${size} bytes`)
    }
  }
})

test('a zstd frame that does not say how large its content is decompresses all the same', () => {
  const params = { [constants.ZSTD_c_contentSizeFlag]: 0 }
  for (const content of [utf8(sentence), new Uint8Array(3_000_000).fill(7)]) {
    const frame = new Uint8Array(zstdCompressSync(content, { params }))
    assert.deepEqual(decompress('zstd', frame, content.length), content)
  }
})

test('a zstd window far above the bound is refused', () => {
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 27 }
  const frame = new Uint8Array(zstdCompressSync(new Uint8Array(130 * bound), { params }))
  refused('CORRUPT_MESSAGE', /windowTooLarge/, () => decompress('zstd', frame, bound))
})

test('xxHash32 gives the published hashes', () => {
  assert.equal(xxHash32(utf8('')), 0x02cc5d05)
  assert.equal(xxHash32(utf8('a')), 0x550d7456)
  assert.equal(xxHash32(utf8('abc')), 0x32d153ff)
  assert.equal(xxHash32(utf8('Nobody inspects the spammish repetition')), 0xe2293b2f)
})

test('random bytes and damaged frames are decompressed within the bound or refused', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 })
  const outcomes = { succeeded: 0, refused: 0 }
  fc.assert(
    fc.property(
      fc.constantFrom(...compressing),
      anyContent,
      damage,
      fc.boolean(),
      (codec, content, changes, raw) => {
        const input = raw ? content : compress(codec, content).slice()
        for (const [at, byte] of changes) if (input.length > 0) input[at % input.length] = byte
        const outcome = succeedsOrRefuses(() => assert.ok(decompress(codec, input, 5000).length <= 5000))
        outcomes[outcome]++
      },
    ),
    { numRuns: 2000 },
  )
  assert.ok(outcomes.succeeded > 50 && outcomes.refused > 50, JSON.stringify(outcomes))
})
