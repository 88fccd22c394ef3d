// Sysvar values to account bytes and back. Readers accept a longer account (its tail is unused space) and
// refuse a shorter one, as bincode does.

import Primitives

package enum SysvarWriter {
  /// Slots whose hashes the account has room for.
  package static let slotHashesCapacity = 512

  package static func uint64(_ value: UInt64) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  package static func clock(_ clock: Clock) -> [UInt8] {
    uint64(clock.slot) + uint64(UInt64(bitPattern: clock.epochStartTimestamp)) + uint64(clock.epoch)
      + uint64(clock.leaderScheduleEpoch) + uint64(UInt64(bitPattern: clock.unixTimestamp))
  }

  package static func rent(_ rent: Rent) -> [UInt8] {
    uint64(rent.lamportsPerByte) + uint64(rent.exemptionThreshold.bitPattern) + [rent.burnPercent]
  }

  package static func epochSchedule(_ schedule: EpochSchedule) -> [UInt8] {
    uint64(schedule.slotsPerEpoch) + uint64(schedule.leaderScheduleSlotOffset) + [schedule.hasWarmup ? 1 : 0]
      + uint64(schedule.firstNormalEpoch) + uint64(schedule.firstNormalSlot)
  }

  /// Newest first; padded to the room of 512 entries.
  package static func slotHashes(_ entries: [SlotHash]) -> [UInt8] {
    var bytes = uint64(UInt64(entries.count))
    bytes.reserveCapacity(8 + slotHashesCapacity * 40)
    for entry in entries { bytes += uint64(entry.slot) + entry.hash.bytes }
    bytes += [UInt8](repeating: 0, count: max(0, 8 + slotHashesCapacity * 40 - bytes.count))
    return bytes
  }

  package static func recentBlockhashes(_ entries: [RecentBlockhash]) -> [UInt8] {
    entries.reduce(into: uint64(UInt64(entries.count))) {
      $0 += $1.blockhash.bytes + uint64($1.lamportsPerSignature)
    }
  }

  package static func stakeHistory(_ entries: [StakeHistoryEntry]) -> [UInt8] {
    entries.reduce(into: uint64(UInt64(entries.count))) {
      $0 += uint64($1.epoch) + uint64($1.effective) + uint64($1.activating) + uint64($1.deactivating)
    }
  }

  package static func epochRewards(_ rewards: EpochRewards) -> [UInt8] {
    var bytes = uint64(rewards.distributionStartingBlockHeight) + uint64(rewards.partitionCount)
    bytes += rewards.parentBlockhash.bytes
    bytes += uint64(UInt64(truncatingIfNeeded: rewards.totalPoints))
    bytes += uint64(UInt64(truncatingIfNeeded: rewards.totalPoints >> 64))
    bytes += uint64(rewards.totalRewards) + uint64(rewards.distributedRewards) + [rewards.isActive ? 1 : 0]
    return bytes
  }

  /// A history of 1,048,576 slots that has seen slot 0 only.
  package static func freshSlotHistory() -> [UInt8] {
    let slotCount: UInt64 = 1024 * 1024
    var bytes: [UInt8] = [1]  // the bits are there
    bytes += uint64(slotCount / 64)
    bytes += uint64(1) + [UInt8](repeating: 0, count: Int(slotCount / 8) - 8)
    bytes += uint64(slotCount) + uint64(1)  // the next slot
    return bytes
  }
}

/// Reads little-endian values; every read answers `nil` past the end.
struct SysvarReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func uint64() -> UInt64? {
    guard bytes.count - offset >= 8 else { return nil }
    defer { offset += 8 }
    return bytes.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
  }

  mutating func hash() -> Hash? {
    guard bytes.count - offset >= 32 else { return nil }
    defer { offset += 32 }
    return bytes.withUnsafeBytes { Hash(reading: $0.baseAddress.unsafelyUnwrapped + offset) }
  }

  mutating func uint8() -> UInt8? {
    guard offset < bytes.count else { return nil }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// One byte that must be 0 or 1.
  mutating func bool() -> Bool? {
    guard let byte = uint8(), byte <= 1 else { return nil }
    return byte == 1
  }

  private mutating func int64() -> Int64? { uint64().map { Int64(bitPattern: $0) } }

  private mutating func list<Element>(
    byteCount: Int, _ element: (inout SysvarReader) -> Element?
  ) -> [Element]? {
    guard let count = uint64(), count <= UInt64((bytes.count - offset) / byteCount) else { return nil }
    var elements: [Element] = []
    elements.reserveCapacity(Int(count))
    for _ in 0..<count {
      guard let value = element(&self) else { return nil }
      elements.append(value)
    }
    return elements
  }

  mutating func clock() -> Clock? {
    guard let slot = uint64(), let start = int64(), let epoch = uint64(), let leaderEpoch = uint64(),
      let unixTimestamp = int64()
    else { return nil }
    return Clock(
      slot: slot, epochStartTimestamp: start, epoch: epoch, leaderScheduleEpoch: leaderEpoch,
      unixTimestamp: unixTimestamp)
  }

  mutating func rent() -> Rent? {
    guard let lamports = uint64(), let threshold = uint64(), let burnPercent = uint8() else { return nil }
    return Rent(
      lamportsPerByte: lamports, exemptionThreshold: Double(bitPattern: threshold), burnPercent: burnPercent)
  }

  mutating func epochSchedule() -> EpochSchedule? {
    guard let slotsPerEpoch = uint64(), let offset = uint64(), let hasWarmup = bool(),
      let firstNormalEpoch = uint64(), let firstNormalSlot = uint64()
    else { return nil }
    return EpochSchedule(
      slotsPerEpoch: slotsPerEpoch, leaderScheduleSlotOffset: offset, hasWarmup: hasWarmup,
      firstNormalEpoch: firstNormalEpoch, firstNormalSlot: firstNormalSlot)
  }

  mutating func slotHashes() -> [SlotHash]? {
    list(byteCount: 40) { reader in
      guard let slot = reader.uint64(), let hash = reader.hash() else { return nil }
      return SlotHash(slot: slot, hash: hash)
    }
  }

  mutating func recentBlockhashes() -> [RecentBlockhash]? {
    list(byteCount: 40) { reader in
      guard let hash = reader.hash(), let lamports = reader.uint64() else { return nil }
      return RecentBlockhash(blockhash: hash, lamportsPerSignature: lamports)
    }
  }

  mutating func stakeHistory() -> [StakeHistoryEntry]? {
    list(byteCount: 32) { reader in
      guard let epoch = reader.uint64(), let effective = reader.uint64(), let activating = reader.uint64(),
        let deactivating = reader.uint64()
      else { return nil }
      return StakeHistoryEntry(
        epoch: epoch, effective: effective, activating: activating, deactivating: deactivating)
    }
  }

  mutating func epochRewards() -> EpochRewards? {
    var rewards = EpochRewards()
    guard let height = uint64(), let partitions = uint64(), let parent = hash(), let low = uint64(),
      let high = uint64(), let total = uint64(), let distributed = uint64(), let active = bool()
    else { return nil }
    rewards.distributionStartingBlockHeight = height
    rewards.partitionCount = partitions
    rewards.parentBlockhash = parent
    rewards.totalPoints = UInt128(high) << 64 | UInt128(low)
    rewards.totalRewards = total
    rewards.distributedRewards = distributed
    rewards.isActive = active
    return rewards
  }
}
