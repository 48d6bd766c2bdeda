# The six public studies: Rscript public.R FOLDER, in this folder, writes each as a folder with its study.toml, and lme4.csv, what lme4 says of them.
# Debian: r-cran-lme4, r-cran-nlme, r-cran-mlmrev, r-cran-sjlabelled, r-cran-haven. Rows stay in FOLDER: their licence is the GPL.
suppressPackageStartupMessages({library(lme4); library(haven)})
data(Exam, Contraception, package = "mlmRev"); data(Oats, package = "nlme"); data(efc, package = "sjlabelled")
folder <- commandArgs(trailingOnly = TRUE)[1]
place <- function(name) {
  dir.create(file.path(folder, name), recursive = TRUE, showWarnings = FALSE)
  invisible(file.copy(file.path(name, "study.toml"), file.path(folder, name), overwrite = TRUE))
  file.path(folder, name)
}
write <- function(name, frame) write.csv(frame, file.path(place(name), paste0(name, ".csv")), row.names = FALSE, na = "")
write("exam", Exam[c("school", "normexam", "standLRT", "sex", "schgend")])
Contraception$use <- as.integer(Contraception$use == "Y")
write("contraception", Contraception[c("district", "use", "age", "livch", "urban")])
write("sleepstudy", sleepstudy); write("oats", as.data.frame(Oats)); write("penicillin", Penicillin)
care <- efc[c("e15relat", "neg_c_7", "c12hour", "e42dep", "c161sex")]
for (name in c("e15relat", "e42dep", "c161sex")) {
  labels <- attr(efc[[name]], "labels")
  care[[name]] <- labelled(as.numeric(efc[[name]]), setNames(as.numeric(labels), names(labels)))
}
write_sav(care, file.path(place("care"), "care.sav"))

found <- data.frame()
put <- function(study, analysis, fit) {
  fixed <- summary(fit)$coefficients; spread <- as.data.frame(VarCorr(fit))
  names <- ifelse(is.na(spread$var2), ifelse(is.na(spread$var1), "sd_resid", paste0("sd_", spread$var1, "|", spread$grp)), paste0("cor_", spread$var2, ".", spread$var1, "|", spread$grp))
  found <<- rbind(found, data.frame(study, analysis, term = rownames(fixed), estimate = fixed[, 1], se = fixed[, 2]),
    data.frame(study, analysis, term = names, estimate = spread$sdcor, se = NA))
}
put("exam", "intake", lmer(normexam ~ standLRT + sex + schgend + (1 | school), Exam))
put("exam", "slopes", lmer(normexam ~ standLRT + (standLRT | school), Exam))
put("contraception", "use", glmer(use ~ age + urban + livch + (1 | district), Contraception, family = binomial, nAGQ = 25))
put("sleepstudy", "days", lmer(Reaction ~ Days + (1 | Subject), sleepstudy))
put("sleepstudy", "slopes", lmer(Reaction ~ Days + (Days | Subject), sleepstudy))
put("oats", "split_plot", lmer(yield ~ nitro + Variety + (1 | Block / Variety), Oats))
put("penicillin", "crossed", lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin))
efc$e42dep <- as.numeric(efc$e42dep); efc$c161sex <- factor(efc$c161sex, 1:2, c("Male", "Female"))
put("care", "dependency", lmer(neg_c_7 ~ e42dep + c12hour + c161sex + (1 | e15relat), efc))
write.csv(found, "lme4.csv", row.names = FALSE)
