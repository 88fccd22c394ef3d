/* What an on-chain program written in C needs: types, the input it is called with, the syscalls it may make.
 *
 * Programs are compiled with stock clang (see Programs/README.md) and linked with `estuary link`. The entry point is
 *
 *     uint64_t entrypoint(const uint8_t *input);
 *
 * `input` is the aligned ABI of the loaders v2 and v3: a count, that many accounts, the instruction data and the
 * program's own address. Nothing here allocates; `parse_input` leaves pointers into the input, so an account's
 * lamports and data are changed in place. Return 0 for success, or one of the errors below.
 */
#ifndef ESTUARY_H
#define ESTUARY_H

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef signed long long int64_t;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

#define INLINE static inline __attribute__((always_inline))

/* ---- Errors. A program's own are below 2^32 and shown as `Custom`; the shared ones sit in the upper half. */

#define SUCCESS 0ull
#define SHARED_ERROR(number) ((uint64_t)(number) << 32)
#define ERROR_CUSTOM_ZERO SHARED_ERROR(1)
#define ERROR_INVALID_ARGUMENT SHARED_ERROR(2)
#define ERROR_INVALID_INSTRUCTION_DATA SHARED_ERROR(3)
#define ERROR_INVALID_ACCOUNT_DATA SHARED_ERROR(4)
#define ERROR_ACCOUNT_DATA_TOO_SMALL SHARED_ERROR(5)
#define ERROR_INSUFFICIENT_FUNDS SHARED_ERROR(6)
#define ERROR_INCORRECT_PROGRAM_ID SHARED_ERROR(7)
#define ERROR_MISSING_REQUIRED_SIGNATURE SHARED_ERROR(8)
#define ERROR_ACCOUNT_ALREADY_INITIALIZED SHARED_ERROR(9)
#define ERROR_UNINITIALIZED_ACCOUNT SHARED_ERROR(10)
#define ERROR_NOT_ENOUGH_ACCOUNT_KEYS SHARED_ERROR(11)
#define ERROR_MAX_SEED_LENGTH_EXCEEDED SHARED_ERROR(13)
#define ERROR_INVALID_SEEDS SHARED_ERROR(14)
#define ERROR_ARITHMETIC_OVERFLOW SHARED_ERROR(24)

/* ---- Addresses. Words, because the machine reads a word at any address as fast as a byte. */

typedef struct {
  uint64_t words[4];
} Address;

#define SYSTEM_PROGRAM ((Address){{0}})

INLINE bool same_address(const Address *a, const Address *b) {
  return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2] &&
         a->words[3] == b->words[3];
}

/* ---- The input */

typedef struct {
  const Address *key;
  const Address *owner;
  uint64_t *lamports;
  uint64_t data_length;
  uint8_t *data;
  uint64_t rent_epoch;
  bool is_signer;
  bool is_writable;
  bool is_executable;
  bool is_repeat; /* stands for an earlier account of the same instruction */
} Account;

typedef struct {
  Account *accounts;       /* room given by the caller */
  uint64_t account_count;  /* accounts the instruction has; may exceed the room, which then holds the first ones */
  const uint8_t *data;
  uint64_t data_length;
  const Address *program;
} Input;

/* Bytes an account may grow by within one instruction. */
#define ACCOUNT_SPARE 10240

/* Reads `input`; at most `room` accounts are kept. False if the instruction has more. */
INLINE bool parse_input(const uint8_t *input, Input *result, Account *accounts, uint64_t room) {
  const uint8_t *at = input;
  result->accounts = accounts;
  result->account_count = *(const uint64_t *)at;
  at += 8;
  for (uint64_t index = 0; index < result->account_count; index++) {
    uint8_t repeated = at[0];
    if (repeated != 0xff) { /* the index of the earlier account, padded to 8 bytes */
      if (index < room && repeated < room) {
        accounts[index] = accounts[repeated];
        accounts[index].is_repeat = true;
      }
      at += 8;
      continue;
    }
    uint64_t length = *(const uint64_t *)(at + 80);
    const uint8_t *data = at + 88;
    const uint8_t *end = data + ((length + ACCOUNT_SPARE + 7) & ~7ull);
    if (index < room) {
      Account *account = &accounts[index];
      account->is_repeat = false;
      account->is_signer = at[1] != 0;
      account->is_writable = at[2] != 0;
      account->is_executable = at[3] != 0;
      account->key = (const Address *)(at + 8);
      account->owner = (const Address *)(at + 40);
      account->lamports = (uint64_t *)(at + 72);
      account->data_length = length;
      account->data = (uint8_t *)data;
      account->rent_epoch = *(const uint64_t *)end;
    }
    at = end + 8;
  }
  result->data_length = *(const uint64_t *)at;
  result->data = at + 8;
  result->program = (const Address *)(result->data + result->data_length);
  return result->account_count <= room;
}

/* Little-endian words at any address. */
INLINE uint64_t read_u64(const uint8_t *at) { return *(const uint64_t *)at; }
INLINE void write_u64(uint8_t *at, uint64_t value) { *(uint64_t *)at = value; }

/* ---- Syscalls. An undefined function is a syscall of that name. */

extern void abort(void) __attribute__((noreturn));
extern void sol_panic_(const char *file, uint64_t length, uint64_t line, uint64_t column) __attribute__((noreturn));
extern void sol_log_(const char *message, uint64_t length);
extern void sol_log_64_(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
extern void sol_log_pubkey(const Address *address);
extern void sol_log_compute_units_(void);

/* A run of bytes; several make the input of hashes, seeds and logged data. */
typedef struct {
  const uint8_t *start;
  uint64_t length;
} Bytes;

extern void sol_log_data(const Bytes *fields, uint64_t count);
extern void sol_memcpy_(void *to, const void *from, uint64_t count);
extern void sol_memmove_(void *to, const void *from, uint64_t count);
extern void sol_memset_(void *to, uint8_t value, uint64_t count);
extern void sol_memcmp_(const void *a, const void *b, uint64_t count, int *result);

extern uint64_t sol_sha256(const Bytes *parts, uint64_t count, uint8_t *digest32);
extern uint64_t sol_keccak256(const Bytes *parts, uint64_t count, uint8_t *digest32);
extern uint64_t sol_blake3(const Bytes *parts, uint64_t count, uint8_t *digest32);
extern uint64_t sol_secp256k1_recover(
    const uint8_t *hash32, uint64_t recovery_id, const uint8_t *signature64, uint8_t *key64);

/* Addresses derived from seeds (at most 16 of 32 bytes); non-zero if the seeds give none. */
extern uint64_t sol_create_program_address(
    const Bytes *seeds, uint64_t count, const Address *program, Address *result);
extern uint64_t sol_try_find_program_address(
    const Bytes *seeds, uint64_t count, const Address *program, Address *result, uint8_t *bump);

extern void sol_set_return_data(const uint8_t *data, uint64_t length);
/* The length of the data set last, and who set it; copies at most `length` bytes. */
extern uint64_t sol_get_return_data(uint8_t *data, uint64_t length, Address *program);
extern uint64_t sol_get_stack_height(void);
extern uint64_t sol_remaining_compute_units(void);

typedef struct {
  uint64_t slot;
  int64_t epoch_start_timestamp;
  uint64_t epoch;
  uint64_t leader_schedule_epoch;
  int64_t unix_timestamp;
} Clock;

typedef struct {
  uint64_t lamports_per_byte_year;
  double exemption_threshold; /* years; a program cannot compute with it, only compare its bits */
  uint8_t burn_percent;
} Rent;

extern uint64_t sol_get_clock_sysvar(Clock *clock);
extern uint64_t sol_get_rent_sysvar(Rent *rent);

/* Logs a string constant. */
#define LOG(message) sol_log_(message, sizeof(message) - 1)

/* ---- Cross-program invocation */

typedef struct {
  const Address *key;
  bool is_writable;
  bool is_signer;
} InvokedAccount;

typedef struct {
  const Address *program;
  const InvokedAccount *accounts;
  uint64_t account_count;
  const uint8_t *data;
  uint64_t data_length;
} Invocation;

/* An account handed on, as the machine wants to see it. */
typedef struct {
  const Address *key;
  uint64_t *lamports;
  uint64_t data_length;
  uint8_t *data;
  const Address *owner;
  uint64_t rent_epoch;
  bool is_signer;
  bool is_writable;
  bool is_executable;
} InvocationAccount;

typedef struct {
  const Bytes *seeds;
  uint64_t count;
} SignerSeeds;

extern uint64_t sol_invoke_signed_c(
    const Invocation *invocation, const InvocationAccount *accounts, uint64_t account_count,
    const SignerSeeds *signers, uint64_t signer_count);

INLINE void hand_on(const Account *account, InvocationAccount *result) {
  result->key = account->key;
  result->lamports = account->lamports;
  result->data_length = account->data_length;
  result->data = account->data;
  result->owner = account->owner;
  result->rent_epoch = account->rent_epoch;
  result->is_signer = account->is_signer;
  result->is_writable = account->is_writable;
  result->is_executable = account->is_executable;
}

_Static_assert(sizeof(Bytes) == 16, "two words");
_Static_assert(sizeof(InvokedAccount) == 16, "a pointer and two flags");
_Static_assert(sizeof(Invocation) == 40, "five words");
_Static_assert(sizeof(InvocationAccount) == 56, "six words and three flags");
_Static_assert(sizeof(Clock) == 40, "five words");

#endif
