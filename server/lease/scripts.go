package lease

import "github.com/redis/go-redis/v9"

// Every script begins with who executes it, and whether that is noted as known
// (KEYS[3]; see the package's documentation), and ends with a table. KEYS[1] is
// the holders' hash, KEYS[2] the count of changes.
const (
	scriptServer = `
		local info = redis.call('INFO', 'server', 'replication')
		local server = string.match(info, 'run_id:(%x+)') .. '-' .. string.match(info, 'master_replid:(%x+)')
		local note = redis.call('GET', KEYS[3])
		if not note then
			note = server .. ' settled'
			redis.call('SET', KEYS[3], note)
		elseif note ~= server and note ~= server .. ' settled' then
			note = server
			redis.call('SET', KEYS[3], note)
		end`
	scriptTable = `
		return {server, seq, note == server .. ' settled' and 1 or 0, redis.call('HGETALL', KEYS[1])}`
)

var (
	// renewScript: ARGV are the holder, its stamp, its channel, whether it holds a
	// lease at all, and the server that it has watched for a term, or nothing.
	renewScript = redis.NewScript(scriptServer + `
		if ARGV[5] == server and note == server then
			note = server .. ' settled'
			redis.call('SET', KEYS[3], note)
		end
		local seq = redis.call('GET', KEYS[2]) or '0'
		redis.call('PUBLISH', ARGV[3], 'granted ' .. server .. ' ' .. seq .. ' ' .. ARGV[2])
		if ARGV[4] == '1' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end` + scriptTable)

	// changeScript: ARGV are the changer, the channel of changes and the names. A
	// user who may not publish changes tokens all the same: the count has gone up,
	// and the wait for the holders, if there are any, is the longer.
	changeScript = redis.NewScript(scriptServer + `
		redis.call('INCR', KEYS[2])
		local seq = redis.call('GET', KEYS[2])
		redis.pcall('PUBLISH', ARGV[2], 'changed ' .. server .. ' ' .. seq .. ' ' .. ARGV[1] .. ' ' .. ARGV[3])` + scriptTable)

	// removeScript takes a holder out, unless it has renewed: ARGV are the holder
	// and its stamp.
	removeScript = redis.NewScript(`
		if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end
		return 0`)
)
