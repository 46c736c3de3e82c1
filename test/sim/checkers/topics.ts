// What must hold of topics: each was created by somebody who was not told otherwise, and each died by such a hand.
import type { Op } from '../history.ts'
import type { Incarnation } from '../watch.ts'

export function checkTopics(history: readonly Op[], incarnations: readonly Incarnation[]): readonly string[] {
  return [
    ...incarnations.flatMap((topic) => [
      ...checkBirth(history, topic),
      ...checkDeath(history, topic),
      ...checkOnce(incarnations, topic),
    ]),
    ...history.flatMap((op) => checkAnswer(op, incarnations)),
  ]
}

const nameOf = ({ topicName, topicId }: Incarnation): string => `topic ${topicName} (${topicId})`

function checkBirth(history: readonly Op[], topic: Incarnation): readonly string[] {
  const by = history.some((op) => {
    if (op.kind !== 'createTopic' || op.topicName !== topic.topicName) return false
    if (op.outcome === 'ok') return op.topicId === topic.topicId
    return op.outcome === 'unknown' && op.invoked < topic.bornAt
  })
  return by ? [] : [`${nameOf(topic)} exists, and nobody who created it was told so or left in doubt`]
}

function checkDeath(history: readonly Op[], topic: Incarnation): readonly string[] {
  if (topic.diedAt === Number.POSITIVE_INFINITY) return []
  const by = history.some((op) => {
    if (op.kind !== 'deleteTopic' || op.topicName !== topic.topicName || op.invoked > topic.diedAt)
      return false
    return op.outcome === 'unknown' || (op.outcome === 'ok' && op.ended > topic.diedAt)
  })
  return by ? [] : [`${nameOf(topic)} is gone, and nobody who deleted it was told so or left in doubt`]
}

function checkOnce(incarnations: readonly Incarnation[], topic: Incarnation): readonly string[] {
  const same = incarnations.filter(({ topicId }) => topicId === topic.topicId)
  return same.length > 1 && same[0] === topic ? [`${nameOf(topic)} came back after its deletion`] : []
}

function checkAnswer(op: Op, incarnations: readonly Incarnation[]): readonly string[] {
  if (op.kind === 'createTopic' && op.outcome === 'ok') {
    const born = incarnations.some(({ topicId, bornAt }) => topicId === op.topicId && bornAt < op.ended)
    return born ? [] : [`topic ${op.topicName} (${op.topicId}) was answered and never created`]
  }
  if (op.kind === 'deleteTopic' && op.outcome === 'ok') {
    const died = incarnations.some(
      ({ topicName, bornAt, diedAt }) => topicName === op.topicName && bornAt < op.ended && diedAt < op.ended,
    )
    return died ? [] : [`topic ${op.topicName} was answered as deleted and lives`]
  }
  return []
}
