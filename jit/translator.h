// SPDX-License-Identifier: MIT
// Block -> NativeBlock. One Translator per block; cold paths are gathered and put after the block.
//
// Where the guest's arithmetic flags stand is tracked through the block: in the host's flags, in
// Frame::flags, or in a recipe: registers from which an instruction makes them again
// (emit_flags.cpp). At a block's entry and at callouts they stand in the frame.
#pragma once

#include <memory_resource>
#include <optional>

#include "jit/access_groups.h"
#include "jit/forms.h"
#include "jit/kept_flags.h"
#include "jit/profile.h"
#include "jit/reencode.h"
#include "jit/residency.h"
#include "jit/stubs.h"
#include "jit/treatment.h"

namespace ring3::jit {

/// An instruction that could not be assembled would be missing: the code must not run.
class AssemblyErrors final : public asmjit::ErrorHandler {
 public:
  void handleError(asmjit::Error, const char* message, asmjit::BaseEmitter*) override {
    if (!failed) text = message;
    failed = true;
  }
  bool failed = false;
  std::string text;  ///< the first
};

/// How a block is tried, until one way succeeds.
enum class Way : u8 {
  Lazy,     ///< may leave the flags at its entry unsaved, if it overwrites them soon enough
  Careful,  ///< saves them
  Handlers  ///< and every instruction is a callout
};

/// What translations of one engine share.
struct Context {
  Context(Cpu& cpu, const JitOptions& options, CodeCache& cache)
      : cpu(cpu), options(options), cache(cache) {}

  Cpu& cpu;
  const JitOptions& options;
  Decoder decoder;
  CodeCache& cache;
  Stubs stubs;
  std::array<i32, kViews> tables{};  ///< where TLBs stand, if that is so low
  i32 targets = 0;                   ///< likewise, Targets of the block that is translated; or 0
  // Byte offsets from CpuState.
  i32 signals = 0, window = 0, generation = 0, places = 0, view = 0, views = 0, ranges = 0;
  Targets* other_level = nullptr;  ///< of the code that the block's SYSCALL or SYSRET leads to
  i32 other_targets = 0;           ///< as `targets`
  CodePlaces::Place place;         ///< of the block that is translated, if it is user code
  bool bmi2 = false;               ///< of the host
  std::vector<Decoded> decoded;    ///< of the block that is translated
  std::vector<Treatment> treatments;
  std::vector<u64> guesses;  ///< where memory operands likely are; empty: nobody asks
  AccessGroups groups;
  asmjit::CodeHolder code;  ///< used again and again: so are its tables
  x86::Assembler assembler;
  AssemblyErrors errors;  ///< of this Translator
  std::array<std::byte, 64 << 10> start{};
  std::pmr::monotonic_buffer_resource lists{start.data(), start.size()};  ///< of a Translator

  /// Before each Translator.
  void reset();
};

class Translator {
 public:
  /// `bytes` are the block's, `page` those of its page, if it stands in one.
  Translator(Context& context, Block& block, u64 rip, std::span<const u8> bytes,
             std::span<const u8> page);
  /// Null: something could not be assembled, or turned out to need the flags at the entry.
  NativeBlock* translate(Way way);

 private:
  enum Where : u8 {
    kHost = 1,
    kFrame = 2,  ///< in any form (kept_flags.h)
    kRecipe = 4,
    kPlain = 8,       ///< in Frame::flags
    kNoCarry = 16,    ///< the host's, but for CF
    kOnlyCarry = 32,  ///< the host's CF
    kInHost = kHost | kNoCarry | kOnlyCarry
  };
  /// How the flags are made again from registers. A partial one needs the others in the frame.
  struct Recipe {
    Remake kind = Remake::None;
    u32 index = 0;   ///< of the instruction that left them
    u16 guests = 0;  ///< registers it needs
    u8 kept = 0;     ///< operands that stand in the frame: bits
  };
  struct Flags {
    u8 where = kFrame;
    Recipe recipe = {};
  };
  /// What is known at a place in the block.
  struct SimdState {
    u8 resident = 0;       ///< stands in the host's registers
    bool x87_ran = false;  ///< an x87 instruction, which the frame does not name yet
    u16 fop = 0;
    u64 fip = 0;
  };
  struct Cold {
    asmjit::Label label, back;
    u32 index;
    Flags before = {};
    u8 flags_after = kFrame;
    bool returns = false;
    SimdState simd = {};
    u8 loads = 0;         ///< makes resident, instead of calling a handler
    bool rest = false;    ///< calls the handlers of all the block's rest
    bool loop = false;    ///< of a copy that loops
    bool steady = false;  ///< of the third
  };
  struct ExitPlan {
    u64 target;
    bool crosses_page;
    bool lazy;  ///< flags are saved only if the target turns out to look at them
  };
  /// The second look for an indirect branch's target.
  struct Lookup {
    asmjit::Label label, found, cold;
    i32 place;  ///< of the table, as Context::targets
  };
  /// A return to somewhere else than the last call from that place in the stack asked for.
  struct Return {
    asmjit::Label label, cold;
    i32 size;  ///< bytes off the stack
  };
  /// Where unlinked jumps of an exit go.
  struct ColdExit {
    asmjit::Label saver, leave;
    ExitSite* site;
    Flags flags;
  };
  /// A branch out of the block's middle.
  struct SideExit {
    asmjit::Label label;
    u64 target;
    u32 index;
    u64 at;
    Flags flags;
  };
  struct Home {
    Jump* jump;  ///< of a record
    asmjit::Label label;
  };
  /// What is accessed: the memory operand, or `offset` bytes from a register.
  struct Operand {
    x86::Gp base = {};  ///< none: the memory operand
    i32 offset = 0;
    Access access = Access::Read;
    unsigned size = 0;
    u32 align_mask = 0;
  };
  /// An access that was looked for by its base's page, and was not there.
  struct SecondProbe {
    asmjit::Label label, back, cold;
    u32 index;
    u64 at;
    Access access;
    unsigned size;
    u32 align_mask;
  };
  /// An access where its range's slot has no room.
  struct RangeMiss {
    asmjit::Label label, back, cold;
    u32 index;
    u64 at;
    Access access;
    unsigned size;
    u32 align_mask = 0;
    bool in_place = false;  ///< without a host address: the instruction once more
    Flags flags = {};       ///< behind the probe, if in place
    SimdState simd = {};
  };
  /// How the next probe may compute its address once more.
  struct Again {
    bool possible = false;
    Operand operand = {};
    i32 shift = 0;
  };
  /// The host address is kScratchA + offset.
  struct Place {
    asmjit::Label cold;
    i32 offset = 0;
  };
  /// An access of a group that has no host address: probes for itself.
  struct AloneProbe {
    asmjit::Label label, back, cold;
    Operand operand;
    u32 index;
    u64 at;
    i32 offset;
    bool first;
    bool kept;  ///< the loop keeps the group's host address
  };
  /// `offset` bytes from the group's low end an address has these bits clear.
  struct Aligned {
    u32 mask = 0;
    i32 offset = 0;
  };
  /// How the third copy of a loop finds a group.
  struct Steady {
    bool on = false;
    bool folded = false;  ///< with its base
    Aligned aligned;      ///< what its members ask for
  };
  /// Where a member of such a group is: at the slot's address, at the slot's plus a register, at
  /// the slot's plus a linear address.
  enum class SteadyForm : u8 { Host, Indexed, Sum };
  /// A probe whose line does not have the page, see emit_lines.cpp.
  struct LineMiss {
    asmjit::Label label, back, cold;
    u32 index;
    Line line;
    Access access;
    unsigned size;
  };
  /// Instructions that share kScratchA, see emit_runs.cpp.
  struct Run {
    asmjit::Label alone, back;
    u32 first, behind;
    u64 at;
    Flags flags;
    SimdState simd;
    bool starts;  ///< their group
  };
  struct Rest {
    Cold cold;
    asmjit::Label filter;  ///< looks which signals there are; none: nobody asks
  };

  bool decode();
  void instruction();
  // record.cpp: nothing unless a profile keeps records
  void begin_record();
  void count_execution();
  void count_left();
  void count(u64& counter);
  void mark(u8 insn, bool cold);
  void note_treatment(Treatment treatment);
  void end_record();
  void callout(bool last);
  void call_handler(u32 index, bool last, bool rest = false);
  u8 basic_begin(u32 index) const;
  bool leads_forward() const;
  void poll();
  void emit_rest(const Rest& rest);
  void translate_one();
  void end_block();
  // emit_loop.cpp
  asmjit::Label loop_label();
  bool loop_back();
  void start_copy();
  void emit_second_copy();
  // emit_steady.cpp
  bool find_steady();
  void find_quiet();
  void hold();
  void align_steady(u32 group, u32 index, u32 mask);
  bool is_steady(u32 index) const;
  bool finds_in_group() const;
  bool finds_calmly() const { return is_steady(index_) && steady_form() != SteadyForm::Sum; }
  HostAddress host_address() const;
  SteadyForm steady_form() const;
  void steady_address();
  void address_of_group(const AccessGroup& g, x86::Gp to);
  void add_guest(x86::Gp to, unsigned guest);
  void prepare_group(u32 n, asmjit::Label refused);
  void divide_turns(u32 stride);
  void share_budget();
  void join_budget();
  void try_steady();
  void emit_steady_entry();
  void emit_third_copy();
  void leave_steady(const Cold& cold);
  // emit_runs.cpp
  bool may_run_on(u32 index) const;
  bool passes_run(u32 index) const;
  u32 run_length() const;
  void go_to(u32 index, u64 at);
  void find_run(u32 group, u32 behind, asmjit::Label alone);
  void move_operand(const x86::Mem& slot);
  void move_by_copy(i32 offset);
  void emit_run_members(u32 behind);
  bool emit_run();
  void emit_cold_runs();
  // emit_flags.cpp
  void save_flags();  ///< makes the frame's right; keeps the host's
  void put_flags(const Flags& flags);
  void
  release_flags();  ///< to be called before the host's are lost; the frame or a recipe has them
  /// Makes the host's right, those of `tested` at least.
  void need_flags(u32 tested = ~u32{0}, x86::Gp scratch = kScratchA);
  bool host_has(u32 tested) const;
  void lose_host() { flags_ &= static_cast<u8>(~kInHost); }
  Flags without_host() const { return {static_cast<u8>(flags_ & ~kInHost), recipe_}; }
  void make_plain();
  void ready_flags(const FlagUse& use);
  FlagUse use_of_flags() const;
  void note_partial(const Recipe& r);
  void restore_flags(x86::Gp scratch);
  void store_flags();
  void note_flags(const FlagUse& use);
  void make_way(const FlagUse& use, bool calm);
  void before_writes();
  void after_writes();
  bool cannot_fault(u32 index) const;
  bool recipe_lasts(const Recipe& recipe, u32 from) const;
  bool shows_flags(u32 from) const;
  bool stores_host(u32 from) const;
  u32 poll_index(bool lazy) const;
  bool overwrites_flags(std::span<const u8> bytes) const;
  // emit_kept.cpp
  Recipe recipe_of(u32 index) const;
  asmjit::Operand side_of(const Recipe& r, unsigned side) const;
  void replay(const Recipe& r);
  void keep_side(const Recipe& r, unsigned side);
  void keep(Recipe& r);
  void note_zero();
  bool replaces(const Recipe& newer) const;
  Recipe kept_recipe() const;
  int exits_that_overwrite() const { return exits_that_overwrite(index_ + 1, at_ + insn_->length); }
  int exits_that_overwrite(u32 index, u64 at) const;
  bool keep_ahead(Recipe r);
  bool copy_kept();
  void operate(const Recipe& r, x86::Gp value);
  // emit_copy.cpp
  bool copy(bool memory);
  bool copy_lea();
  bool copy_at_home();
  u8 only_spilled() const;
  bool place_spilled(std::array<u8, 16>& places, bool memory) const {
    return place_spilled(places, memory, d_);
  }
  bool place_spilled(std::array<u8, 16>& places, bool memory, const Decoded& d) const;
  void load_places(const std::array<u8, 16>& places) { load_places(places, d_); }
  void load_places(const std::array<u8, 16>& places, const Decoded& d);
  void store_places(const std::array<u8, 16>& places);
  void run_calmly(const HostCode& code, const std::array<u8, 16>& places, const FlagUse& use);
  void run_code(const HostCode& code, const std::array<u8, 16>& places, const FlagUse& use);
  // emit_range.cpp
  void guess_addresses();
  std::optional<u32> range_slot(bool write);
  x86::Mem range_room(u32 slot) const;
  bool may_stand_in_range() const;
  HostAddress range_address() const;
  bool copy_in_range();
  bool probe_range(Access access, unsigned size, u32 align_mask, asmjit::Label cold);
  void emit_range_misses();
  void run_after_miss(const RangeMiss& miss);
  // emit_memory.cpp
  void effective_address(const ZydisDecodedOperand& op, i32 shift = 0);
  void address_in_segment(x86::Gp to, i32 shift = 0);
  bool is_flat(u8 seg) const;
  void add_segment(u8 seg);
  void note_address(const Operand& operand, i32 shift);
  bool adds_itself() const;
  HostAddress own_address() const;
  void emit_second_probes();
  asmjit::Label probe(Access access, unsigned size, u32 align_mask = 0);
  void probe(Access access, unsigned size, u32 align_mask, asmjit::Label cold);
  // emit_constant.cpp
  View likely_view() const;
  i32 fixed_table() const;
  void find_tlb_entry();
  x86::Mem tlb_entry(size_t field) const;
  bool is_constant() const;
  u64 constant_address(i32 shift = 0) const;
  static i32 constant_offset(u64 at);
  void probe_constant(u64 at, size_t tag, asmjit::Label cold);
  // emit_lines.cpp
  void probe_line(Line line, Access access, unsigned size, asmjit::Label cold);
  void emit_line_misses();
  // emit_groups.cpp
  bool is_alone(u32 group) const;
  i32 group_offset() const;
  Place find(const Operand& operand);
  void address_of(const Operand& operand, i32 shift);
  void check_in_group(u32 group, u32 mask, i32 offset, asmjit::Label cold);
  void check_alignment(u32 mask, i32 offset, asmjit::Label cold);
  void emit_alone_probes();
  void start_alone(const AloneProbe& p);
  void forget_groups(u32 index, bool loop = false);
  void forget_fixed_groups();
  bool is_open(u32 group, u32 index) const {
    const AccessGroup& g = c_.groups.group(group);
    return g.first <= index && index < g.last;
  }
  asmjit::Label cold_path(bool returns);
  /// The handler instead of what follows; flags as before the last probe.
  void last_cold(asmjit::Label cold) { cold_.push_back({cold, {}, index_, cold_flags_}); }
  void finish_cold(asmjit::Label cold);
  void emit_cold();
  x86::Gp guest_in(unsigned guest, x86::Gp scratch);
  // emit_simd.cpp
  bool copy_simd(bool memory);
  void copy_simd_memory(const HostCode& code, const std::array<u8, 16>& places);
  void copy_simd_registers(const HostCode& code, const std::array<u8, 16>& places);
  void emit_load_control(u32 must_be_set, u32 must_be_clear);
  void make_resident(u8 need);
  u8 needed_from(u32 index) const;
  void call_loader(Resident kind);
  void load_or_interpret(u8 need, u32 index);
  void reload_residents(const Cold& cold);
  void call_rest(u32 index);
  void name_x87();
  void write_x87_pointers(const SimdState& state);
  void write_x87_selector(size_t pointer, u8 segment);
  void offset_beside_address();
  void write_x87_data_pointer();
  // emit_string.cpp; each of these says whether the instruction is one of its own
  bool emit_string();
  void emit_single(const StringForm& form);
  void emit_repeated(const StringForm& form);
  void string_address(Gpr guest, u8 segment);
  void advance(Gpr guest, unsigned size);
  void step(Gpr guest, unsigned size);
  void chunk(const StringForm& form);
  void after_chunk(const StringForm& form, asmjit::Label finish);
  // emit_stack.cpp
  bool emit_stack();
  void emit_push_sized();
  void emit_pop_memory();
  void emit_pop_word();
  void emit_push_segment();
  void emit_enter();
  void emit_loop();
  // emit_misc.cpp
  bool emit_misc();
  void load_register(x86::Gp to, RegSlot slot);
  void check_unsigned(unsigned width, asmjit::Label overflow);
  void check_signed(unsigned width, asmjit::Label overflow);
  void emit_divide(bool is_signed);
  void bit_string_words();
  void emit_bit_string();
  void refuse_misaligned(unsigned size, asmjit::Label cold);
  void emit_xlat();
  void emit_mov_from_segment();
  // emit_system.cpp
  bool emit_system();
  asmjit::Label cold_here();
  void emit_cli();
  void emit_sti();
  void emit_pushf();
  void emit_popf();
  void emit_ac(bool on);
  void emit_swapgs();
  void emit_rdtsc();
  void rflags_from_frame();
  void rflags_to_frame();
  void set_view(View view);
  // emit_level.cpp
  bool emit_level();
  void emit_syscall();
  void emit_sysret();
  void require_syscall(asmjit::Label cold);
  void find_on_other_level(asmjit::Label cold);
  void set_segment(Seg seg, const Segment& to);
  void enter_level(u8 cpl);
  // emit_return.cpp
  void find_return();
  void expect_return(u64 next);
  void return_to(asmjit::Label cold);
  void emit_returns();
  // emit_flow.cpp
  void emit();
  void emit_jcc();
  void leave_if(x86::CondCode condition, u64 target);
  void return_budget();
  void emit_side_exits();
  void emit_jmp();
  void emit_call();
  void emit_ret();
  void emit_push();
  void emit_pop();
  void emit_leave();
  void load_target();
  x86::Mem in_targets(size_t offset) const;
  void address_targets(i32 place);
  void find_target(asmjit::Label cold, i32 place, bool to_user);
  void find_target(asmjit::Label cold) { find_target(cold, c_.targets, user()); }
  void emit_lookups();
  void stack_slot(i32 offset) { address_of({.base = kGuestRsp, .offset = offset}, 0); }
  void move_stack(i32 offset);
  void exit_to(u64 target);
  std::span<const u8> bytes_at(u64 target) const;
  bool is_overwritten_at(u64 target) const;
  ExitPlan plan_exit(u64 target) const;
  ExitSite* make_exit(const ExitPlan& plan);
  bool exit_if(x86::CondCode condition, u64 target);
  void jump_out(Jump& jump, asmjit::Label home);
  void note_jump(Jump& jump, asmjit::Label home);
  void emit_cold_exits();
  void check_place();

  bool user() const { return block_.key & kUserCode; }
  /// Privileged without a question.
  bool ring0() const { return (block_.key & (kUserCode | kMiddleRing)) == 0; }
  bool bits64() const { return (block_.key & 3) == 2; }
  /// Bytes of a near branch's operand, of a stack slot, of an address.
  unsigned word() const { return bits64() ? 8 : 4; }
  u64 truncate(u64 address) const { return bits64() ? address : address & 0xFFFFFFFF; }
  bool reachable(u64 target) const;
  x86::Gp sized(x86::Gp reg) const { return bits64() ? x86::Gp(reg.r64()) : x86::Gp(reg.r32()); }

  template <class T>
  using List = std::pmr::vector<T>;

  Context& c_;
  Block& block_;
  std::span<const u8> bytes_, page_;
  asmjit::CodeHolder& code_;
  x86::Assembler& a_;
  Arena& records_;
  NativeBlock* t_ = nullptr;
  List<Cold> cold_{&c_.lists};
  List<AloneProbe> alone_{&c_.lists};
  std::array<bool, AccessGroups::kMaxGroups> started_{};
  std::array<Aligned, AccessGroups::kMaxGroups> aligned_{};
  List<ColdExit> cold_exits_{&c_.lists};
  List<SideExit> side_exits_{&c_.lists};
  List<Lookup> lookups_{&c_.lists};
  List<Return> returns_{&c_.lists};
  List<Home> homes_{&c_.lists};
  List<Rest> rests_{&c_.lists};
  List<Run> runs_{&c_.lists};
  bool in_run_ = false;  ///< out of line: each instruction for itself
  asmjit::Label loop_entry_, loop_top_, steady_entry_, steady_top_;
  Flags loop_flags_;  ///< at both
  SimdState loop_simd_;
  bool in_loop_ = false, in_steady_ = false;  ///< the second copy, the third
  std::array<Steady, AccessGroups::kMaxGroups> steady_{};
  bool quiet_ = false;
  u32 held_ = AccessGroups::kNone;
  Decoded d_{};
  const Insn* insn_ = nullptr;
  u32 index_ = 0;
  u64 rip_, at_ = 0;  ///< of the block, of the instruction
  u8 flags_ = kFrame;
  Recipe recipe_;
  Flags cold_flags_;  ///< before the instruction's last probe; without one they are saved
  static constexpr u8 kNoSegment = 0xFF;
  u8 checked_segment_ = kNoSegment;  ///< the next probe asks whether it is flat
  Again again_;
  bool by_base_ = true;  ///< such a probe may look for the operand's base
  List<SecondProbe> second_probes_{&c_.lists};
  List<RangeMiss> range_misses_{&c_.lists};
  bool by_delta_ = false;        ///< the next probe leaves host - linear address in kScratchA
  Line line_ = kNoLine;          ///< the next probe asks first
  std::optional<u64> constant_;  ///< the next probe is for that, not for kScratchA
  bool folded_ = false;          ///< and what finds the page there is enough
  List<LineMiss> line_misses_{&c_.lists};
  bool polled_ = false, needs_flags_ = false;
  SimdState simd_;
  bool at_border_ = true;  ///< the block's start, or after a callout: flags stand in the frame
  bool ended_ = false, in_cold_ = false;
  BlockRecord* record_ = nullptr;
  std::vector<HostPart> parts_;
};

/// The level that the block's last instruction leads to, if that is SYSCALL in user code or SYSRET
/// in ring 0, both 64-bit.
std::optional<u8> other_level(const Block& block);

/// Arithmetic flags that the instruction looks at, as ZYDIS_CPUFLAG bits.
u32 tested_flags(const Decoded& d);

}  // namespace ring3::jit
