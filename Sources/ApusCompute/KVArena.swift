import ApusCore
import CApusKernels

/// How the numbers of keys or values are stored in a slot; raw values are the kernels' type numbers.
// swift-format-ignore: AlwaysUseLowerCamelCase
public enum KVElement: Int32, Sendable, CaseIterable {
  case f32 = 0
  case f16 = 1
  case bf16 = 2
  /// Eight bits a number with a half scale per token and 32 components.
  case q8_0 = 3
  /// Four bits a number with a half scale per token and 32 components.
  case q4_0 = 4
}

extension KVElement {
  /// Whether rounding to this format is an approximation that an answer has to mention.
  public var isApproximate: Bool { self == .q8_0 || self == .q4_0 }
}

/// The sizes of the KV memory of one model.
public struct KVGeometry: Sendable, Equatable {
  public let layerCount: Int
  public let headCount: Int
  public let headDimension: Int
  public let key: KVElement
  public let value: KVElement

  public init(
    layerCount: Int, headCount: Int, headDimension: Int, key: KVElement, value: KVElement
  ) {
    self.layerCount = layerCount
    self.headCount = headCount
    precondition(headDimension <= Self.largestHeadDimension, "heads of \(headDimension) numbers")
    self.headDimension = headDimension
    self.key = key
    self.value = value
  }

  /// The most components a head may have.
  public static let largestHeadDimension = Int(APUS_MOST_DIM)
  /// Tokens of one slot.
  public static let pageSize = Int(APUS_PAGE)
  /// Pages that so many tokens take.
  package static func pageCount(_ tokens: Int) -> Int { (tokens + pageSize - 1) / pageSize }
  /// Numbers of one value row: the head dimension rounded up to whole vectors.
  public var paddedDimension: Int { (headDimension + 15) / 16 * 16 }
  public var slotsPerBlock: Int { layerCount * headCount }

  // A slot: 32 positions, keys, values, as kv_layout.h lays them out.
  var keyOffset: Int { Self.pageSize * 4 }
  var valueOffset: Int { keyOffset + apus_kv_key_bytes(key.rawValue, headDimension) }
  public var slotByteCount: Int {
    (valueOffset + apus_kv_value_bytes(value.rawValue, paddedDimension) + 63) / 64 * 64
  }
  /// Bytes of the slots of all layers and heads for one page of tokens.
  public var blockByteCount: Int { slotByteCount * slotsPerBlock }
}

/// One memory for all slots, addressed by slot id; a block's slots lie side by side, layer by layer, head by head.
public final class KVArena {
  public let geometry: KVGeometry
  public let blockCount: Int
  var storage: Buffer<UInt8>

  public init(geometry: KVGeometry, blockCount: Int) {
    self.geometry = geometry
    self.blockCount = blockCount
    storage = Buffer(count: blockCount * geometry.blockByteCount)
  }

  public var slotCount: Int { blockCount * geometry.slotsPerBlock }

  /// The slot of a layer and head inside a block.
  public func slot(block: PageID, layer: Int, head: Int) -> Int {
    Int(block) * geometry.slotsPerBlock + layer * geometry.headCount + head
  }

  func address(slot: Int) -> UnsafeMutablePointer<UInt8> {
    precondition(slot >= 0 && slot < slotCount, "slot outside of the arena")
    return storage.base + slot * geometry.slotByteCount
  }

  /// The rotary position a key was stored with.
  public func position(slot: Int, token: Int) -> Int32 {
    UnsafeRawPointer(address(slot: slot)).load(fromByteOffset: token * 4, as: Int32.self)
  }

  func setPosition(slot: Int, token: Int, _ position: Int32) {
    UnsafeMutableRawPointer(address(slot: slot)).storeBytes(
      of: position, toByteOffset: token * 4, as: Int32.self)
  }

  /// One key, as floats.
  public func key(slot: Int, token: Int) -> [Float] {
    let base = address(slot: slot) + geometry.keyOffset
    return [Float](unsafeUninitializedCapacity: geometry.headDimension) { buffer, count in
      apus_kv_load_key(
        geometry.key.rawValue, base, token, geometry.headDimension, buffer.baseAddress)
      count = geometry.headDimension
    }
  }

  /// One value, as floats.
  public func value(slot: Int, token: Int) -> [Float] {
    let base = address(slot: slot) + geometry.valueOffset
    return [Float](unsafeUninitializedCapacity: geometry.headDimension) { buffer, count in
      apus_kv_load_value(
        geometry.value.rawValue, base, token, geometry.headDimension, geometry.paddedDimension,
        buffer.baseAddress)
      count = geometry.headDimension
    }
  }

  /// Replaces a key and its position (relocation); the value stays.
  public func setKey(slot: Int, token: Int, _ key: [Float], position: Int32) {
    precondition(key.count == geometry.headDimension)
    apus_kv_store_key(
      geometry.key.rawValue, address(slot: slot) + geometry.keyOffset, token,
      geometry.headDimension, key)
    setPosition(slot: slot, token: token, position)
  }

  /// Stores a key and value with the key's position.
  public func store(slot: Int, token: Int, key: [Float], value: [Float], position: Int32) {
    precondition(key.count == geometry.headDimension && value.count == geometry.headDimension)
    key.withUnsafeBufferPointer { key in
      value.withUnsafeBufferPointer { value in
        store(
          key: key.baseAddress!, value: value.baseAddress!, slot: slot, token: token,
          position: position)
      }
    }
  }

  /// The same; both have as many numbers as a head.
  func store(
    key: UnsafePointer<Float>, value: UnsafePointer<Float>, slot: Int, token: Int, position: Int32
  ) {
    let base = address(slot: slot)
    apus_kv_store(
      geometry.key.rawValue, geometry.value.rawValue, base + geometry.keyOffset,
      base + geometry.valueOffset, token, geometry.headDimension, geometry.paddedDimension, key,
      value)
    setPosition(slot: slot, token: token, position)
  }

  /// Copies one token's key, value and position to another place, bit by bit.
  public func copy(slot source: Int, token: Int, to target: Int, token targetToken: Int) {
    apus_kv_copy(
      geometry.key.rawValue, geometry.value.rawValue, geometry.headDimension,
      geometry.paddedDimension, geometry.keyOffset, geometry.valueOffset, address(slot: source),
      token, address(slot: target), targetToken)
    setPosition(slot: target, token: targetToken, position(slot: source, token: token))
  }

  /// Copies one slot over another.
  public func copy(slot source: Int, to target: Int) {
    address(slot: target).update(from: address(slot: source), count: geometry.slotByteCount)
  }

  /// Writes to the memory of a block that holds nothing, so that the system hands it out now and not later.
  public func touch(block: PageID) { storage.touch(bytes(of: block), with: 0) }

  /// Gives the memory of a block back to the system; what it held is lost.
  public func discard(block: PageID) { storage.discard(bytes(of: block)) }

  private func bytes(of block: PageID) -> Range<Int> {
    let start = Int(block) * geometry.blockByteCount
    return start..<start + geometry.blockByteCount
  }
}
