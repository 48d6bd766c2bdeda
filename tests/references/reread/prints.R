# Thirty correct prints of known models, as programs and packages print them, for the rules: lme4, lmerTest, nlme by ML,
# and tables as tab_model (t with n - k) and modelsummary print them. Rscript prints.R writes prints.csv in long form.
suppressMessages({library(lme4); library(lmerTest); library(nlme); library(mlmRev)})
rows <- list()
say <- function(id, file, ...) rows[[length(rows) + 1]] <<- data.frame(id = id, file = file, key = names(c(...)), value = unname(c(...)))
fx <- function(x, d) formatC(x, format = "f", digits = d)
data(Oxide, package = "nlme"); data(Machines, package = "nlme"); data(Orthodont, package = "nlme")
sets <- list(
  list(y ~ 1, data.frame(y = Exam$normexam, g = Exam$school), character()),
  list(y ~ x, data.frame(y = Exam$normexam, x = Exam$standLRT, g = Exam$school), c(x = "within")),
  list(y ~ 1, data.frame(y = Oats$yield, g = Oats$Block), character()),
  list(y ~ x, data.frame(y = Oats$yield, x = Oats$nitro, g = Oats$Block), c(x = "within")),
  list(y ~ 1, data.frame(y = ScotsSec$attain, g = ScotsSec$second), character()),
  list(y ~ x, data.frame(y = Orthodont$distance, x = Orthodont$age, g = Orthodont$Subject), c(x = "within"))
)
id <- 0
for (s in seq_along(sets)) for (kind in c("lme4", "lmerTest", "nlme", "tab_model", "modelsummary")) {
  id <- id + 1; d <- 2 + (id %% 2); f <- sets[[s]][[1]]; dat <- sets[[s]][[2]]; dat$g <- factor(dat$g)
  name <- paste0("m", id); ml <- kind == "nlme"
  fit <- suppressMessages(lmerTest::lmer(update(f, . ~ . + (1 | g)), data = dat, REML = !ml))
  v <- as.data.frame(VarCorr(fit)); n <- nrow(dat); J <- nlevels(dat$g)
  co <- summary(fit)$coefficients; k <- nrow(co)
  if (ml) { nl <- lme(f, random = ~ 1 | g, data = dat, method = "ML"); t <- summary(nl)$tTable }
  say(id, "model", n = n, groups = J, estimator = if (ml) "ML" else "REML", terms = paste(names(sets[[s]][[3]]), collapse = ";"),
      reference = switch(kind, lme4 = "profile", lmerTest = "z", nlme = "unknown", tab_model = "t", modelsummary = "z"))
  say(id, "component", group = "g", variance = fx(v$vcov[1], d), sd = if (kind == "tab_model") "" else fx(v$sdcor[1], d))
  say(id, "component", group = "", variance = fx(v$vcov[2], d), sd = if (kind == "tab_model") "" else fx(v$sdcor[2], d))
  if (kind == "lme4") ci <- suppressMessages(confint(fit, parm = "beta_", oldNames = FALSE))
  for (i in seq_len(k)) {
    term <- rownames(co)[i]; b <- co[i, 1]; se <- co[i, 2]; tv <- co[i, "t value"]; df <- co[i, "df"]; p <- co[i, 5]
    if (kind == "nlme") { b <- t[i, 1]; se <- t[i, 2]; df <- t[i, 3]; tv <- t[i, 4]; p <- t[i, 5] }
    q <- if (kind == "tab_model") qt(0.975, n - k - 2) else qnorm(0.975)
    if (kind == "tab_model") p <- 2 * pt(-abs(tv), n - k - 2)
    if (kind == "lme4") lim <- ci[i, ] else lim <- c(b - q * se, b + q * se); lim <- unname(lim)
    stars <- if (p < 0.001) "***" else if (p < 0.01) "**" else if (p < 0.05) "*" else ""
    say(id, "coefficient", term = term, estimate = paste0(fx(b, d), if (kind == "modelsummary") stars else ""),
        se = if (kind == "tab_model") "" else fx(se, d), t = if (kind %in% c("lme4", "lmerTest", "nlme")) fx(tv, d) else "",
        df = if (kind == "lmerTest") fx(df, 1) else if (kind == "nlme") fx(df, 0) else "",
        p = if (kind %in% c("lme4", "modelsummary")) "" else if (p < 0.001) "<0.001" else fx(p, 3),
        ci_low = if (kind %in% c("lmerTest", "nlme")) "" else fx(lim[1], d), ci_high = if (kind %in% c("lmerTest", "nlme")) "" else fx(lim[2], d))
  }
  icc <- v$vcov[1] / sum(v$vcov)
  fe <- var(as.numeric(model.matrix(fit) %*% fixef(fit)))
  m <- fe / (fe + sum(v$vcov)); cc <- (fe + v$vcov[1]) / (fe + sum(v$vcov))
  if (kind == "nlme") say(id, "fit", aic = fx(AIC(nl), d), bic = fx(BIC(nl), d), loglik = fx(as.numeric(logLik(nl)), d))
  if (kind == "lme4") say(id, "fit", criterion = fx(REMLcrit(fit), 1))
  if (kind == "tab_model") say(id, "fit", icc = fx(icc, 2), r2_marginal = fx(m, 3), r2_conditional = fx(cc, 3))
  if (kind == "modelsummary") say(id, "fit", icc = fx(icc, d), r2_marginal = fx(m, d), r2_conditional = fx(cc, d),
      aic = fx(AIC(fit), 1), bic = fx(BIC(fit), 1), loglik = fx(as.numeric(logLik(fit)), 1))
}
write.csv(do.call(rbind, rows), "prints.csv", row.names = FALSE, quote = FALSE)
